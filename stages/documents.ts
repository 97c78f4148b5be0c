import type { LeaderboardTask } from '../method/forgetting';
import type { EvaluationDocument } from '../method/quality/contamination';
import { WHOLE, type Planned } from './planned';
import { defineStage, knownKey } from './stage';
import type { Table } from './table';

const documentTable: Table<EvaluationDocument> = { schema: { task: 'string', id: 'string', text: 'string' }, optional: [] };

/** Their keys in a plan, by task; only where the filters want such documents. */
export interface DocumentsKeys {
  readonly documents?: Readonly<Partial<Record<LeaderboardTask, string>>>;
}

/** Questions of an evaluation set that is on the hub, for the filter that keeps them out of the training data. */
export const documentsStage = defineStage({
  name: 'documents',
  version: 1,
  rowsVersion: 1,
  callsModels: false,
  table: documentTable,
  /** @param documents identity of the task's documents */
  key: (hash, task: LeaderboardTask, documents: string | null) => hash({ task, documents }),
  place: ({ keys }: Pick<Planned<DocumentsKeys>, 'keys'>, task: LeaderboardTask) => ({
    key: knownKey(keys.documents?.[task], `documents/${task}`),
    part: WHOLE,
  }),
});
