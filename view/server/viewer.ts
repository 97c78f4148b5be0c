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

/** A page waits so long for an index that is being brought up to date, longer where it would be empty; then it shows what is there. */
const WAIT_MS = 100;
const WAIT_EMPTY_MS = 400;

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
    const run = await this.indexes.run(first);
    const runIndex = run === undefined ? undefined : await this.indexes.of(run);
    if (run === undefined || runIndex === undefined) return notFound(`The store has no run "${first}".`);
    const [own, ...inside] = ownRow(path);
    const runRoot = `${asked.base}/${encodeURIComponent(first)}`;
    const rootOf = (name: string): string => `${runRoot}/${OWN}/${encodeURIComponent(name)}`;
    // A run may extract nothing: then all that there is to see first are own answers.
    if (own === undefined && path.length === 0 && run.plan.shards.length === 0 && run.own.size > 0) {
      return redirect(`${rootOf([...run.own.keys()][0]!)}/`);
    }
    const index = own === undefined ? runIndex : await this.indexes.of(run, own);
    if (index === undefined) return notFound(`The run has no own answers of a row "${own}".`);
    await this.bringUpToDate(index);
    const flagFile = this.flagsOf(first);
    if (asked.method === 'POST') {
      return inside.join('/') === 'flags' ? await this.changeFlags(flagFile, asked.body) : notFound('Nothing can be changed here.');
    }
    const state = await index.state();
    if (inside.join('/') === 'state') return json(200, { ...state, text: stateText(state) });
    const flags = await flagFile.read();
    const html = await runPage({
      index,
      runIndex,
      other: async (runId) => {
        const other = await this.indexes.run(runId);
        const beside = other === undefined ? undefined : await this.indexes.of(other);
        if (beside !== undefined) await this.bringUpToDate(beside);
        return beside;
      },
      path: inside,
      query: asked.query,
      flags: new Map(flags.map(({ id, reason }) => [id, reason])),
      frame: {
        base: asked.base,
        runId: first,
        runRoot,
        root: own === undefined ? runRoot : rootOf(own),
        sets: [
          ...(run.plan.shards.length === 0 ? [] : [{ name: 'the method', root: runRoot }]),
          ...[...run.own.keys()].map((name) => ({ name: `own answers: ${name}`, root: rootOf(name) })),
        ],
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
    const { instructions } = await index.state();
    const stop = new AbortController();
    await Promise.race([
      done,
      wait(instructions === 0 ? WAIT_EMPTY_MS : WAIT_MS, undefined, { signal: stop.signal }).catch(() => undefined),
    ]);
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

/** Part of the path of what is about one row's own answers. */
const OWN = 'own';

/** The row whose own answers a path is about, if it is, and what is behind it. */
function ownRow(path: readonly string[]): [row: string | undefined, ...inside: string[]] {
  const [first, row, ...inside] = path;
  return first === OWN && row !== undefined ? [row, ...inside] : [undefined, ...path];
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
