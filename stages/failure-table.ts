import type { Failure } from '../method/records';
import type { Table } from './table';

/** Items without a usable result, beside the rows of every stage. */
export const failureTable: Table<Failure> = {
  schema: { stage: 'string', id: 'string', model: 'string', reason: 'string', attempts: 'int' },
  optional: [],
};
