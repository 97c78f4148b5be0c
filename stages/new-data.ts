import { z } from 'zod';
import { newDataSets, type NewDataSet } from '../config/new-data';
import type { RunSpec } from '../config/spec';
import type { Conversation } from '../method/records';
import { WHOLE, type Planned } from './planned';
import { defineStage, knownKey } from './stage';
import type { Table } from './table';

/** A conversation of new data that had to be fetched. */
export interface FetchedRow extends Pick<Conversation, 'id' | 'messages' | 'tools'> {
  /** Its set's place in the list of sets. */
  readonly set: number;
}

const fetchedTable: Table<FetchedRow> = { schema: { set: 'int', id: 'string', messages: 'json', tools: 'json' }, optional: ['tools'] };

const fetchedDetailSchema = z.looseObject({
  sets: z.array(z.looseObject({ title: z.string(), rows: z.number(), revision: z.string().nullable(), licence: z.string().nullable() })),
});

/** Its key in a plan, when some of the new data is on the hub. */
export interface NewDataKeys {
  readonly newData?: string;
}

/** The sets of new data that are fetched, with their places in the list of sets. */
export function fetchedSets(spec: RunSpec): { readonly index: number; readonly set: NewDataSet }[] {
  return newDataSets(spec.mix).flatMap((set, index) => (set.source.from === 'hub' ? [{ index, set }] : []));
}

/** New data of the hub, fetched and checked before the first call; in a run whose spec names some. */
export const newDataStage = defineStage({
  name: 'newdata',
  version: 1,
  rowsVersion: 1,
  callsModels: false,
  table: fetchedTable,
  detail: fetchedDetailSchema,
  key: (hash, spec: RunSpec) => hash({ sets: fetchedSets(spec).map(({ index, set: { source, schema } }) => ({ index, source, schema })) }),
  place: ({ keys }: Pick<Planned<NewDataKeys>, 'keys'>) => ({ key: knownKey(keys.newData, 'newdata'), part: WHOLE }),
});
