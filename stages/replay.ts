import { z } from 'zod';
import type { RunSpec } from '../config/spec';
import { specOf } from '../config/training-method';
import { filesOf, type Variant } from '../config/variants';
import { unreachable } from '../method/never';
import type { Conversation } from '../method/records';
import { judgeStage, type JudgeKeys } from './judge';
import { ownAnswersInput, type OwnKeys } from './own-answers';
import { placeOfVariant, type KeyOfVariants, type ContentIdentities, type Planned } from './planned';
import { respondStage, type RespondKeys } from './respond';
import { defineStage } from './stage';
import type { Table } from './table';

const conversationTable: Table<Conversation> = {
  schema: { id: 'string', messages: 'json', tools: 'json', cut: 'boolean' },
  optional: ['tools', 'cut'],
};

const replaySetDetailSchema = z.looseObject({
  kind: z.enum(['first-response', 'target-best', 'own-answers', 'dataset']),
  title: z.string(),
  rows: z.number(),
  /** Rows that were looked at to draw these. */
  read: z.number(),
  /** Rows that are no conversation, by what is wrong with them. */
  malformed: z.record(z.string(), z.number()),
  /** Conversations of a data set that ended with a user's turn, which was cut. */
  trailingUserTurnsCut: z.number().optional(),
  /** Commit of the hub repository that was read; null for local files and ablations. */
  revision: z.string().nullable(),
  licence: z.string().nullable(),
});

/** What is known of a replay set that is not the method's; kept with it. */
export type ReplaySetDetail = z.output<typeof replaySetDetailSchema>;

/** A variant's replay set that is not the method's: an ablation, or a public data set. */
export const replayStage = defineStage({
  name: 'replay',
  version: 1,
  rowsVersion: 2,
  callsModels: false,
  table: conversationTable,
  detail: replaySetDetailSchema,
  /** @param source what the set is made from, from {@link replaySource} */
  key: (hash, source: Readonly<Record<string, unknown>>) => hash(source),
  place: (plan: Pick<Planned<KeyOfVariants<'replay'>>, 'keys'>, variant: string) => placeOfVariant(plan, variant, 'replay'),
});

/** What a replay set depends on. */
export interface ReplayInputs extends RespondKeys, JudgeKeys, OwnKeys {
  readonly spec: RunSpec;
  readonly content: ContentIdentities;
  /** The method's own mixture, which says how much of a data set is drawn. */
  readonly budget: unknown;
}

/** What a variant's own replay set is made from; undefined where it has none: the official model, the method, new data alone. */
export function replaySource(
  variant: Variant,
  { spec, content, respond, judge, own = {}, budget }: ReplayInputs,
): Readonly<Record<string, unknown>> | undefined {
  const { replay: source } = variant;
  const target = spec.target.model;
  const { truncated } = spec.synthesis.select;
  if (source === null) return undefined;
  const thoughts = specOf(spec, variant).train.thoughts === 'keep' ? { thoughts: 'keep' } : {}; // absent in keys made before there were any
  switch (source.kind) {
    case 'first-response':
      return { source: source.kind, withoutCut: truncated === 'drop', input: [respond[target], respondStage.keyedAs], ...thoughts };
    case 'target-best':
      return { source: source.kind, seed: spec.seed, truncated, input: [judge[target]?.[target], judgeStage.keyedAs], ...thoughts };
    case 'own-answers': {
      const made = own[variant.name];
      if (made === undefined) throw new Error(`the plan has no own answers for "${variant.name}"; a validated spec cannot come here`);
      return { source: source.kind, withoutCut: truncated === 'drop', input: ownAnswersInput(made, target), ...thoughts };
    }
    case 'dataset':
      return {
        source: source.source.from === 'hub' ? source.source : filesOf(variant).map((file) => content.replayFiles[file]),
        schema: source.schema,
        budget,
      };
    case 'method':
    case 'none':
    case 'interpolate':
      return undefined;
    default:
      return unreachable(source);
  }
}
