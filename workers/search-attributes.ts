import type { Connection } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes';

const GRPC_ALREADY_EXISTS = 6;

/**
 * Registers the run's search attributes, which the server must know before a workflow sets them.
 * @throws Error with the command for an administrator, where this identity may not register them
 */
export async function ensureSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const known = await connection.operatorService.listSearchAttributes({ namespace }).catch(() => undefined);
  const missing = SEARCH_ATTRIBUTES.filter(({ name }) => known?.customAttributes?.[name] === undefined);
  if (missing.length === 0) return;
  try {
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(
        missing.map(({ name }) => [name, temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD]),
      ),
    });
  } catch (cause) {
    if ((cause as { code?: number }).code === GRPC_ALREADY_EXISTS) return;
    const commands = missing.map(({ name }) => `temporal operator search-attribute create --name ${name} --type Keyword`).join(' && ');
    throw new Error(
      `the search attributes ${missing.map(({ name }) => name).join(', ')} are not registered in namespace ${namespace}; let an administrator run: ${commands}`,
      { cause },
    );
  }
}
