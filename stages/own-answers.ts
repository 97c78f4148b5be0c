import { ownAnswersRows, ownAnswersSpec, type OwnAnswersRow } from '../config/own-answers';
import type { RunSpec } from '../config/spec';
import type { JudgeKeys } from './judge';
import { judgeKeys } from './judge-keys';
import type { ContentIdentities } from './planned';
import { promptsStage } from './prompts';
import { respondStage, type RespondKeys } from './respond';
import { selectStage } from './select';
import { knownKey, type StageInput } from './stage';

/** Keys of what one row's own answers are made from. */
export interface OwnAnswersKeys extends RespondKeys, JudgeKeys {
  readonly prompts: string;
  /** Absent where nothing is judged. */
  readonly select?: string;
}

/** By the name of the row; absent in a run without own answers. */
export interface OwnKeys {
  readonly own?: Readonly<Record<string, OwnAnswersKeys>>;
}

/** Keys of all rows' own answers. */
export function ownAnswersKeys(spec: RunSpec, content: ContentIdentities): OwnKeys {
  const rows = ownAnswersRows(spec);
  if (rows.length === 0) return {};
  return { own: Object.fromEntries(rows.map((row) => [row.name, keysOf(spec, row, content)])) };
}

function keysOf(spec: RunSpec, row: OwnAnswersRow, content: ContentIdentities): OwnAnswersKeys {
  const own = ownAnswersSpec(spec, row.own);
  const target = spec.target.model;
  const prompts = promptsStage.key(spec, row, content);
  const respond = { [target]: respondStage.key(own, target, promptsStage.input(prompts), content) };
  const judgments = judgeKeys(own, respond, content);
  return {
    prompts,
    respond,
    ...judgments,
    ...(own.synthesis.judge.judges.length === 0 ? {} : { select: selectStage.key(own, judgments) }),
  };
}

/** What stands for a row's own answers in the key of its replay set. */
export function ownAnswersInput({ respond, select }: OwnAnswersKeys, target: string): StageInput {
  return select === undefined ? respondStage.input(knownKey(respond[target], target)) : selectStage.input(select);
}
