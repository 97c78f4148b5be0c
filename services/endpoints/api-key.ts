import type { ModelSpec } from '../../config/spec';
import { PermanentEndpointError } from './endpoint-errors';
import type { ModelFailure } from './model-errors';

/** The key that a model's requests carry; undefined where it needs none. @throws PermanentEndpointError when the environment has none that can be sent */
export function readApiKey(name: string, spec: ModelSpec, env: Readonly<Record<string, string | undefined>>): string | undefined {
  if (spec.apiKeyEnv === undefined) return undefined;
  const key = env[spec.apiKeyEnv];
  if (key === undefined || key === '') {
    throw new PermanentEndpointError(
      `model "${name}" needs an API key, but the environment variable ${spec.apiKeyEnv} is not set on this llm worker; set it and start the worker again`,
    );
  }
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw new PermanentEndpointError(
      `model "${name}" needs an API key, but the environment variable ${spec.apiKeyEnv} holds white space or characters that no HTTP header can carry; set it to the key alone and start the worker again`,
    );
  }
  return key;
}

/** The failure without the key: endpoints repeat parts of a wrong one in their errors. */
export function redact(failure: ModelFailure, apiKey: string | undefined): ModelFailure {
  let message = failure.message.replace(/\b(sk|key|hf)[-_][A-Za-z0-9*_-]{6,}/g, '[redacted]');
  if (apiKey !== undefined) message = message.replaceAll(apiKey, '[redacted]');
  return { ...failure, message };
}
