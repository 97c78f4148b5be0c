import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { judge, ORDERS, SAMPLES, startServer, type Server, type ServerKind, type Turn } from './judge-turn';
import { markdownTable } from './markdown-section';
import { median, spread } from './spread';

const USAGE = `usage: node dist/bench/prefix-cache.js [options]

What a judgment costs the demo's inference server, by the order of the judge requests: as Rehearse sends them (an instruction's
responses side by side) and shuffled; and by the slots that the server has for prompts, with the same requests in flight, and
the part of a prompt that a slot must hold to be preferred to the one that was unused for longest. Each judgment is two calls,
of which the second extends the first. The kinds take turns; each turn has prompts of its own.

  --instructions N   of each turn, with nine responses each (default 6)
  --rounds N         turns of each kind (default 3)
  --servers S:P,…    slots and part (default 8:0.1,12:0.9: llama.cpp's own, and what python/serve_model.py does)
  --in-flight N      requests (default 8)`;

/** Number of the turns before the first. */
const WARM_UP = 1_000;

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      instructions: { ...text, default: '6' },
      rounds: { ...text, default: '3' },
      servers: { ...text, default: '8:0.1,12:0.9' },
      'in-flight': { ...text, default: '8' },
      help: { type: 'boolean', default: false },
    },
  });
  const kinds = values.servers
    .split(',')
    .map((kind): ServerKind => ({ name: kind, slots: Number(kind.split(':')[0]), similarity: Number(kind.split(':')[1]) }));
  const [instructions, rounds, inFlight] = [values.instructions, values.rounds, values['in-flight']].map(Number) as [
    number,
    number,
    number,
  ];
  if (
    values.help ||
    ![...kinds.map(({ slots }) => slots), instructions, rounds, inFlight].every((value) => Number.isInteger(value) && value > 0) ||
    kinds.some(({ similarity }) => !(similarity >= 0 && similarity <= 1))
  ) {
    console.log(USAGE);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), 'rehearse-bench-prefix-'));
  const servers: Server[] = [];
  const stop = (): void => void Promise.all(servers.map(async (server) => await server.process.stop())).then(() => process.exit(130));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const turns: Turn[] = [];
  try {
    for (const kind of kinds) servers.push(await startServer(folder, kind));
    // The rubric is read once by each slot, which is not what a judgment costs.
    for (const server of servers) await judge({ server, order: 'as sent', instructions: 1, inFlight, folder, number: WARM_UP });
    for (let round = 0; round < rounds; round++) {
      for (const server of servers) {
        for (const order of ORDERS) {
          const turn = await judge({ server, order, instructions, inFlight, folder, number: turns.length });
          turns.push(turn);
          console.error(`${server.kind.name}, ${order}: ${inWords(turn)}`);
        }
      }
    }
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await Promise.all(servers.map(async (server) => await server.process.stop()));
    await rm(folder, { recursive: true, force: true });
  }
  console.log(
    `\n${inFlight} requests in flight, ${rounds} turns of ${instructions * 3 * SAMPLES} judgments, ${Math.round(median(turns.map(({ all }) => all)))} prompt tokens in a judgment's two calls:\n\n${table(turns)}`,
  );
}

function table(turns: readonly Turn[]): string {
  const kinds = [...new Set(turns.map(({ server }) => server))].flatMap((server) =>
    ORDERS.map((order) => turns.filter((turn) => turn.server === server && turn.order === order)),
  );
  const column = (those: readonly Turn[], what: (turn: Turn) => number, digits: number): string => spread(those.map(what), digits);
  return markdownTable(
    [
      'slots:part, order',
      'new prompt tokens a judgment',
      'of its first call',
      'of its second call',
      'seconds a judgment',
      'RSS of the server',
    ],
    kinds.map((those) => [
      `${those[0]?.server}, ${those[0]?.order}`,
      column(those, ({ first, second }) => first + second, 0),
      column(those, ({ first }) => first, 0),
      column(those, ({ second }) => second, 0),
      column(those, ({ seconds }) => seconds, 2),
      `${(Math.max(...those.map(({ rssBytes }) => rssBytes)) / 2 ** 20).toFixed(0)} MiB`,
    ]),
  );
}

function inWords({ first, second, seconds }: Turn): string {
  return `${first.toFixed(0)} + ${second.toFixed(0)} new prompt tokens, ${seconds.toFixed(2)} s a judgment`;
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
