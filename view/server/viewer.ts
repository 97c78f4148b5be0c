import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { DARK, FONTS, LIGHT } from '../../report/render/html-palette';
import { projectDir } from '../../services/local/paths';
import type { OpenStore } from '../../services/runs/open-store';
import { FlagError, FlagFile } from '../flags/flag-file';
import type { RunIndex } from '../index/run-index';
import { ViewDatabase } from '../index/view-database';
import { stateText } from '../pages/layout';
import { RunIndexes } from './run-indexes';
import { runPage } from './run-pages';
import type { Answer, Asked } from './view-server';

export interface ViewerOptions {
  readonly opened: OpenStore;
  /** Folder of this machine for indexes, and for files of a bucket. */
  readonly cache: string;
  /** Where a run's flags are kept. */
  readonly flagFile: (runId: string) => string;
  /** The run to begin with. */
  readonly runId: string;
  readonly now: () => Date;
  readonly onError: (error: unknown) => void;
}

/** A page waits so long for an index that is being brought up to date; then it shows what is there. */
const WAIT_MS = 400;

/** Answers what browsers ask for. */
export class Viewer {
  private readonly flags = new Map<string, FlagFile>();

  private constructor(
    private readonly options: ViewerOptions,
    private readonly database: ViewDatabase,
    private readonly indexes: RunIndexes,
  ) {}

  static async open(options: ViewerOptions): Promise<Viewer> {
    const database = await ViewDatabase.open({ folder: options.cache });
    return new Viewer(options, database, new RunIndexes(database, options.opened));
  }

  async close(): Promise<void> {
    await this.indexes.close();
    this.database.close();
  }

  async answer(asked: Asked): Promise<Answer> {
    const [first, ...path] = asked.path;
    if (first === undefined) return redirect(`${asked.base}/${encodeURIComponent(this.options.runId)}/`);
    if (path.length === 0 && first === 'view.js') return { status: 200, type: 'text/javascript', body: await asset('view.js') };
    if (path.length === 0 && first === 'view.css') return { status: 200, type: 'text/css', body: PALETTE + (await asset('view.css')) };
    const index = await this.indexes.of(first);
    if (index === undefined) return notFound(`The store has no run "${first}".`);
    await this.bringUpToDate(index);
    const flagFile = this.flagsOf(first);
    if (asked.method === 'POST') {
      return path.join('/') === 'flags' ? await this.changeFlags(flagFile, asked.body) : notFound('Nothing can be changed here.');
    }
    const state = await index.state();
    if (path.join('/') === 'state') return json(200, { ...state, text: stateText(state) });
    const flags = await flagFile.read();
    const html = await runPage({
      index,
      other: async (runId) => {
        const beside = await this.indexes.of(runId);
        if (beside !== undefined) await this.bringUpToDate(beside);
        return beside;
      },
      path,
      query: asked.query,
      flags: new Map(flags.map(({ id, reason }) => [id, reason])),
      frame: {
        base: asked.base,
        runId: first,
        runs: await this.options.opened.plans.listRuns(),
        state,
        flags: flags.length,
        flagFile: flagFile.path,
      },
    });
    return html === undefined ? notFound('There is no such page.') : { status: 200, type: 'text/html', body: html };
  }

  /** Waits a moment for what is new; a large store is read on while pages are shown. */
  private async bringUpToDate(index: RunIndex): Promise<void> {
    const done = index.refreshIfOld(performance.now()).catch((error: unknown) => this.options.onError(error));
    const stop = new AbortController();
    await Promise.race([done, wait(WAIT_MS, undefined, { signal: stop.signal }).catch(() => undefined)]);
    stop.abort();
  }

  private flagsOf(runId: string): FlagFile {
    const file = this.flags.get(runId) ?? new FlagFile(this.options.flagFile(runId));
    this.flags.set(runId, file);
    return file;
  }

  private async changeFlags(file: FlagFile, body: unknown): Promise<Answer> {
    const { id, reason, remove } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
    try {
      if (remove === true) await file.remove(id);
      else await file.add(id, reason, this.options.now());
      return json(200, { flags: (await file.read()).length });
    } catch (error) {
      if (error instanceof FlagError) return json(422, { error: error.message });
      throw error;
    }
  }
}

/** The report's colours: as the system says, unless the page has a switch set. */
const PALETTE = `:root{color-scheme:light;${LIGHT}${FONTS}}
@media (prefers-color-scheme:dark){:root:not([data-theme=light]){color-scheme:dark;${DARK}}}
:root[data-theme=dark]{color-scheme:dark;${DARK}}
`;

async function asset(name: string): Promise<string> {
  return await readFile(join(projectDir(), 'view', 'browser', name), 'utf8');
}

function redirect(location: string): Answer {
  return { status: 302, type: 'text/plain', body: '', location };
}

function notFound(body: string): Answer {
  return { status: 404, type: 'text/plain', body };
}

function json(status: number, value: object): Answer {
  return { status, type: 'application/json', body: JSON.stringify(value) };
}
