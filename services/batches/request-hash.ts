import { sha256 } from '../../stages/sha256';

/**
 * Hashes the requests to an endpoint: identity, path and body as canonical JSON. How a call is made, live or in a batch, is no part of it: the
 * same request gets the same reply, whichever way.
 */
export function requestHash(identity: string): (path: string, json: string) => string {
  const identityJson = JSON.stringify(identity);
  return (path, json) => sha256(`{"body":${json},"identity":${identityJson},"path":"${path}"}`).slice(0, 32);
}
