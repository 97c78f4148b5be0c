import type { ModelSpec } from '../../config/spec';
import { PermanentEndpointError } from './endpoint-errors';
import type { ModelFailure } from './model-errors';
import { createRedact, secretOfHeader, type Redact } from './secrets';

type Env = Readonly<Record<string, string | undefined>>;

/** The key that a model's requests carry; undefined where it needs none. @throws PermanentEndpointError when the environment has none that can be sent */
export function readApiKey(name: string, spec: ModelSpec, env: Env): string | undefined {
  return spec.apiKeyEnv === undefined ? undefined : readSecret(name, 'an API key', spec.apiKeyEnv, env);
}

/** The headers of a model's `request`, in lower case. @throws PermanentEndpointError when the environment has not all of them */
export function readHeaders(name: string, { request }: ModelSpec, env: Env): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(request?.headersEnv ?? {}).map(([header, variable]) => [
      header.toLowerCase(),
      readSecret(name, `the header ${header}`, variable, env, /^[\x20-\x7e]*[\x21-\x7e]$/),
    ]),
  );
}

/** Takes a model's key, and what its headers hold, out of texts; of what the environment lacks nothing is to be hidden. */
export function redactFor({ apiKeyEnv, request }: Pick<ModelSpec, 'apiKeyEnv' | 'request'>, env: Env): Redact {
  const headers = Object.values(request?.headersEnv ?? {}).map((variable) => secretOfHeader(env[variable] ?? ''));
  return createRedact([...(apiKeyEnv === undefined ? [] : [env[apiKeyEnv]]), ...headers]);
}

function readSecret(name: string, what: string, variable: string, env: Env, allowed = /^[\x21-\x7e]+$/): string {
  const value = env[variable];
  if (value === undefined || value === '') {
    throw new PermanentEndpointError(
      `model "${name}" needs ${what}, but the environment variable ${variable} is not set on this llm worker; set it and start the worker again`,
    );
  }
  if (!allowed.test(value)) {
    throw new PermanentEndpointError(
      `model "${name}" needs ${what}, but the environment variable ${variable} holds white space or characters that no HTTP header can carry; set it to the key alone and start the worker again`,
    );
  }
  return value;
}

/** The failure with every text in it redacted: endpoints repeat a key, or parts of it, in any field of their errors. */
export function redactFailure(failure: ModelFailure, redact: Redact): ModelFailure {
  return { ...failure, message: redact(failure.message), ...(failure.param === undefined ? {} : { param: redact(failure.param) }) };
}
