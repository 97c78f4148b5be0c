import { statusError } from './error-body';

/**
 * Refuses a body with status 200 that is no reply: a proxy's page, or an error that a gateway passes on with that status. An empty
 * list of choices is a reply, which its stage handles.
 * @throws SyntaxError, or APIError with the status that the body tells
 */
export function checkBody(body: unknown): unknown {
  if (typeof body !== 'object' || body === null) throw new SyntaxError('the reply is no JSON object');
  const { choices, error, detail } = body as { choices?: unknown; error?: unknown; detail?: unknown };
  if (Array.isArray(choices)) return body;
  if (choices === undefined || choices === null) {
    const code = Number((error as { code?: unknown } | null | undefined)?.code);
    if (error !== undefined && error !== null) throw statusError(code >= 400 && code < 600 ? code : 200, body, new Headers());
    if (detail !== undefined) throw statusError(200, body, new Headers());
  }
  throw new SyntaxError(`the reply has no list of choices: ${JSON.stringify(body).slice(0, 120)}`);
}
