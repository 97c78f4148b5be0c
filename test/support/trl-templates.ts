import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { trlFolder } from '../../bench/model-table';

/** Chat templates of released models, as TRL ships them (Apache-2.0), by file name without its ending; not those changed for training. */
export async function trlTemplates(): Promise<Record<string, string>> {
  const folder = await trlFolder();
  const files = readdirSync(folder).filter((name) => name.endsWith('.jinja') && !name.endsWith('_training.jinja'));
  return Object.fromEntries(files.map((name) => [name.slice(0, -'.jinja'.length), readFileSync(join(folder, name), 'utf8')]));
}
