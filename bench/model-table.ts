import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MethodError } from '../method/method-error';
import { projectDir } from '../services/local/paths';
import { ensurePython } from '../services/local/python-environment';
import type { AddedToken } from '../templates/read-template';
import { takeApart } from '../templates/take-apart';
import { thinkingPrompt, thinkingSwitch } from '../templates/thinking-switch';

/** Family, hub id, its template (`trl/…`: of TRL's package; else of test/fixtures/chat-templates), BOS, end of turn, further special tokens. */
type Entry = readonly [family: string, id: string, template: string, bos: string, eos: string, ...special: string[]];

/** What such a template may write that is a token: `<|im_start|>`, `<｜User｜>`, `<start_of_turn>`, `<|turn>`, `[INST]`. */
const TOKENS = /<\|[^|<>\s]{1,40}\|>|<｜[^｜<>\s]{1,40}｜>|<(?:start|end)_of_turn>|<\|turn>|<turn\|>|\[\/?[A-Z_]{3,}\]/gu;
/** The date that templates are told which ask for one. */
const DATE = '2026-11-28';
const LONGEST = 90;
const [BEGIN, END] = ['<!-- written by bench/model-table.ts -->', '<!-- end -->'];

/** The table of docs/models.md: what is read of each model's own template, or the sentence that says why it is not. */
export function modelTable(trl: string): string {
  const entries = JSON.parse(readFileSync(join(projectDir(), 'bench', 'model-table.json'), 'utf8')) as Entry[];
  const rows = entries.map((entry) => row(entry, trl));
  return [
    '| family | model | template of | before an instruction | stops | thoughts off / on |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

function row([family, id, template, bos, eos, ...more]: Entry, trl: string): string {
  const [folder, name] = template.startsWith('trl/')
    ? [trl, template.slice(4)]
    : [join(projectDir(), 'test', 'fixtures', 'chat-templates'), template];
  const chatTemplate = readFileSync(join(folder, `${name}.jinja`), 'utf8');
  const texts = [...new Set([bos, eos, ...more, ...(chatTemplate.match(TOKENS) ?? [])])].filter((text) => text !== '');
  const tokens = texts.map((text): AddedToken => ({ text, id: null, special: true }));
  const rendering = { chatTemplate, variables: { bos_token: bos, eos_token: eos }, date: DATE };
  const source = template.startsWith('trl/') ? `TRL, \`${name}\`` : `\`${name}\``;
  try {
    const { preQuery, stop } = takeApart({ ...rendering, tokens, ends: [eos] });
    return cells([family, id, source, code(preQuery), stop.map(code).join(' '), thoughts(rendering)]);
  } catch (error) {
    if (!(error instanceof MethodError)) throw error;
    return cells([family, id, source, `none: ${error.message}; name a format under \`template\``, '', '']);
  }
}

function thoughts(rendering: Parameters<typeof thinkingSwitch>[0]): string {
  const { off, on, effort } = thinkingSwitch(rendering);
  const prompts = [thinkingPrompt(rendering, 'off'), thinkingPrompt(rendering, 'on')];
  const sameAfter = off !== undefined && on !== undefined && off.after === on.after;
  const shown = sameAfter ? [code(off.before), code(on.before)] : prompts.map((text) => (text === undefined ? '-' : code(text)));
  return [
    prompts.every((text) => text === undefined) ? '-' : shown.join(' / '),
    ...(effort === undefined ? [] : [`\`${effort.variable}\`: ${effort.values.join(', ')}`]),
  ].join('; ');
}

function cells(texts: readonly string[]): string {
  return `| ${texts.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** As code, line breaks and all; of a long text the end. */
function code(text: string): string {
  const shown = JSON.stringify(text).slice(1, -1);
  return `\`${shown.length <= LONGEST ? shown : `…${shown.slice(-LONGEST)}`}\``;
}

/** Where TRL's package keeps the templates of released models. */
export async function trlFolder(): Promise<string> {
  const { python } = await ensurePython({ step: () => ({ update: () => undefined, done: () => undefined, fail: () => undefined }) });
  const lib = join(dirname(dirname(python)), 'lib');
  const version = readdirSync(lib).find((name) => name.startsWith('python3')) ?? 'python3';
  return join(lib, version, 'site-packages', 'trl', 'chat_templates');
}

if (require.main === module) {
  void (async () => {
    const file = join(projectDir(), 'docs', 'models.md');
    const text = readFileSync(file, 'utf8');
    const table = modelTable(await trlFolder());
    writeFileSync(file, `${text.slice(0, text.indexOf(BEGIN) + BEGIN.length)}\n\n${table}\n\n${text.slice(text.indexOf(END))}`);
  })();
}
