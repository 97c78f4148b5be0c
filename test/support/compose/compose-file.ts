import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { projectDir } from '../../../services/local/paths';

/** What the tests read of a service of docker-compose.yml. */
export interface Service {
  readonly image: string;
  readonly build?: { readonly context: string; readonly dockerfile: string; readonly target: string };
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly restart: string;
  readonly init?: boolean;
  readonly profiles?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly stop_grace_period?: string;
}

export interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

export const COMPOSE_TEXT = readFileSync(join(projectDir(), 'docker-compose.yml'), 'utf8');

/** The file with the variables of an `.env` filled in. @throws Error for a required variable that is empty */
export function loadCompose(env: Readonly<Record<string, string>>): Compose {
  return parse(interpolate(COMPOSE_TEXT, env), { merge: true }) as Compose;
}

/** Compose's own interpolation, as far as the file uses it. */
function interpolate(text: string, env: Readonly<Record<string, string | undefined>>): string {
  return text.replace(/\$\{(\w+)(?:(:[-?])([^}]*))?\}/g, (_, name: string, operator?: string, word = '') => {
    const value = env[name] ?? '';
    if (value !== '') return value;
    if (operator === ':?') throw new Error(word);
    return operator === ':-' ? word : '';
  });
}
