import Table from 'cli-table3';
import { splitThoughts } from '../../method/thoughts';
import { plainText } from '../terminal/output';
import type { ModelAnswer } from './chat-process';

const LEAST_COLUMN = 24;
const FRAME = 3;

/** Answers beside one another, each in a column of its own; of narrow terminals below one another. Nothing that a model wrote moves the cursor. */
export function sideBySide(answers: readonly ModelAnswer[], width: number): string {
  const column = Math.floor((width - FRAME * answers.length - 1) / answers.length);
  const texts = answers.map(shown);
  if (column < LEAST_COLUMN) return answers.map(({ model }, index) => `${model}:\n${texts[index]!}\n`).join('\n');
  const table = new Table({
    head: answers.map(({ model }) => model),
    colWidths: answers.map(() => column + 2),
    wordWrap: true,
    wrapOnWordBoundary: true,
    style: { head: [], border: [] },
  });
  table.push(texts);
  return table.toString();
}

function shown({ text, cut }: ModelAnswer): string {
  const { text: said, reasoning } = splitThoughts(text);
  const parts = [
    ...(reasoning === undefined ? [] : [`(thinks: ${plainText(reasoning).trim()})`, '']),
    plainText(said).trim(),
    ...(cut ? ['[cut: --max-tokens]'] : []),
  ];
  return parts.join('\n').trim() || '(nothing)';
}
