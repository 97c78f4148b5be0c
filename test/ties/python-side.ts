import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Conversation } from '../../method/records';
import { projectDir } from '../../services/local/paths';
import { ensurePython } from '../../services/local/python-environment';
import { runCommand } from '../../services/local/run-command';
import { quietReporter } from '../support/temporal';
import type { JsonSchema } from './schema-differences';

/** What python/tests/describe.py prints. */
export interface PythonSide {
  readonly protocol: number;
  readonly errorKinds: readonly string[];
  readonly eventTypes: readonly string[];
  readonly events: readonly Readonly<Record<string, unknown>>[];
  readonly tasksPhase: string;
  readonly specs: Readonly<Record<string, JsonSchema>>;
  readonly results: Readonly<Record<string, JsonSchema>>;
  readonly layout: Readonly<Record<string, string>>;
  readonly checkpoint: string;
  readonly conversations: readonly Conversation[];
  readonly contentFiles: readonly string[];
  readonly contentSha256: string;
  readonly taskNames: readonly string[];
  readonly hardest: string;
  readonly leaderboard: Readonly<Record<string, PythonTask>>;
  readonly recomputeChance: Readonly<Record<string, number>>;
  readonly peer: { readonly job: Readonly<Record<string, unknown>>; readonly figures: Readonly<Record<string, number>> };
  readonly heavy: readonly string[];
}

export interface PythonTask {
  readonly evaluatedSplit: string;
  readonly fewshotSplit: string | null;
  readonly randomBaseline: number;
  /** Types of their values, as `typeof` says them. */
  readonly columns: Readonly<Record<string, readonly string[]>>;
  readonly question: string;
  readonly documentName: string | null;
}

/** What python/tests/describe.py works on. */
export interface PythonInput {
  /** Folder of a job, which is written. */
  readonly folder: string;
  /** File of conversations. */
  readonly conversations: string;
  /** Folder with files as a model has them. */
  readonly weights: string;
  /** Command line of a driver in bench/peers. */
  readonly peer: readonly string[];
}

/** Asks the Python side what it knows; it is started once. @param root folder for the question */
export async function describePython(root: string, input: PythonInput): Promise<PythonSide> {
  const file = join(root, 'input.json');
  writeFileSync(file, JSON.stringify(input));
  const { python, env } = await ensurePython(quietReporter);
  const printed = await runCommand({ command: python, args: [join(projectDir(), 'python', 'tests', 'describe.py'), file], env });
  return JSON.parse(printed) as PythonSide;
}
