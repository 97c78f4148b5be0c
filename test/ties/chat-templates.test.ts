import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MethodError } from '../../method/method-error';
import type { Message } from '../../method/records';
import { projectDir } from '../../services/local/paths';
import { ensurePython } from '../../services/local/python-environment';
import { runCommand } from '../../services/local/run-command';
import { renderChat } from '../../templates/render-chat';
import { SWITCHES, THOUGHT_TAGS } from '../../templates/thought-tags';
import { useTempFolder } from '../support/temp-folder';
import { quietReporter } from '../support/temporal';
import { trlTemplates } from '../support/trl-templates';

const temp = useTempFolder();
const DAY = '2026-11-28';
const VARIABLES = { bos_token: '<BOS>', eos_token: '<EOS>', pad_token: '<PAD>' };

const USER: Message = { role: 'user', content: '  Why, "Anna"?\n\n- a\t<b> & {{ x }} ü 汉 🙂 ' };
const ANSWER = { role: 'assistant', content: 'So. \n' } as const;
/** Templates that this side refuses: of messages with images, and one whose objects have numbers as keys. */
const REFUSED = ['idefics3', 'llava_next', 'smolvlm', 'seed-oss (fixture)'];
const CONVERSATIONS: Readonly<Record<string, readonly (Message & { readonly reasoning_content?: string })[]>> = {
  single: [USER],
  system: [{ role: 'system', content: 'Be brief. ' }, USER],
  answered: [USER, ANSWER],
  multi: [USER, ANSWER, { role: 'user', content: 'And?' }, { role: 'assistant', content: 'No.' }],
  all: [{ role: 'system', content: 'Be brief.' }, USER, ANSWER, { role: 'user', content: '你好' }],
  tags: [USER, { role: 'assistant', content: '<think>\nHm.\n</think>\n\nSo.' }],
  thought: [USER, { ...ANSWER, reasoning_content: 'Hm. "Well"' }],
  thoughts: [USER, { ...ANSWER, reasoning_content: 'Hm.' }, { role: 'user', content: 'And?' }, { ...ANSWER, reasoning_content: 'Yes.' }],
};

test('both sides render the same bytes of every text template, or neither renders it', async () => {
  const fixtures = join(projectDir(), 'test', 'fixtures', 'chat-templates');
  const others = readdirSync(fixtures).filter((name) => name.endsWith('.jinja'));
  const templates: Record<string, string> = {
    ...(await trlTemplates()),
    ...Object.fromEntries(others.map((name) => [name.replace('.jinja', ' (fixture)'), readFileSync(join(fixtures, name), 'utf8')])),
  };
  const input = join(temp(), 'input.json');
  writeFileSync(input, JSON.stringify({ templates, variables: VARIABLES, conversations: CONVERSATIONS, day: DAY }));
  const { python, env } = await ensurePython(quietReporter);
  const script = join(projectDir(), 'python', 'tests', 'render_templates.py');
  const theirs = JSON.parse(await runCommand({ command: python, args: [script, input], env })) as (string | null)[];

  let index = 0;
  let rendered = 0;
  const differences: string[] = [];
  for (const [name, chatTemplate] of Object.entries(templates)) {
    for (const [what, messages] of Object.entries(CONVERSATIONS)) {
      for (const addGenerationPrompt of [false, true]) {
        for (const thinking of [undefined, false, true]) {
          const variables = thinking === undefined ? {} : { enable_thinking: thinking };
          const mine = ours({ chatTemplate, variables: VARIABLES, date: DAY }, messages, { addGenerationPrompt, variables });
          const other = theirs[index++];
          if (mine === null && REFUSED.includes(name)) continue;
          if (mine === other) rendered += mine === null ? 0 : 1;
          else differences.push(`${name}, ${what}, ${String(addGenerationPrompt)}, ${String(thinking)}: ${JSON.stringify([mine, other])}`);
        }
      }
    }
  }
  expect(index).toBe(theirs.length);
  expect(rendered).toBeGreaterThan(2000);
  expect(differences).toEqual([]);
}, 900_000);

test('both sides know the same tags of thoughts, and the same switches', async () => {
  const { python, env } = await ensurePython(quietReporter);
  // thinking.py itself loads lm-evaluation-harness, which takes seconds
  const script = `import ast, json, pathlib
from rehearse_ml.thought_tags import TAGS
source = pathlib.Path('rehearse_ml/thinking.py').read_text()
switches = next(ast.literal_eval(each.value) for each in ast.parse(source).body if getattr(getattr(each, 'target', None), 'id', '') == 'SWITCHES')
print(json.dumps([TAGS, switches]))`;
  const said = await runCommand({ command: python, args: ['-c', script], env, cwd: join(projectDir(), 'python') });
  const [tags, switches] = JSON.parse(said) as [unknown, unknown[][]];
  expect(tags).toEqual(THOUGHT_TAGS);
  expect(switches.filter(([, off]) => off !== 'none')).toEqual(SWITCHES);
}, 900_000);

function ours(...[rendering, messages, options]: Parameters<typeof renderChat>): string | null {
  try {
    return renderChat(rendering, messages, options);
  } catch (error) {
    if (error instanceof MethodError) return null;
    throw error;
  }
}
