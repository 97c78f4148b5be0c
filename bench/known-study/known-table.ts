import { comparePaired, type PairedComparison } from '../../method/paired-comparison';
import { correctedChanges, type Change } from '../../report/gather/change';
import type { HeldOutLoss, HiddenAnswer, RowCost, StudyDocuments } from './documents';
import { recognise, SKILL_NAMES, SKILLS, type Recognised, type SkillName } from './skills';

/** How many of how many, and a 95 % interval of the share (Wilson 1927). */
export interface Share {
  readonly count: number;
  readonly of: number;
  readonly low: number;
  readonly high: number;
}

/** What the extraction brought back of a skill. */
export interface Recovery {
  readonly skill: SkillName;
  /** Of all texts that were extracted, those that ask for it; and of those of the base. */
  readonly asked: Share;
  readonly base: Share;
  /** Words, names and facts of the hidden questions that were asked for. */
  readonly coverage: Share;
  /** Hidden questions that were extracted word for word. */
  readonly verbatim: Share;
  /** Of the replay set's rows that ask for it, those whose answer is right. */
  readonly right: Share;
}

export interface StudyRow {
  readonly row: string;
  readonly right: Readonly<Record<SkillName | 'all', Share>>;
  /** Hidden questions that the closed model answers and this one does not; and the reverse. */
  readonly forgotten: number;
  readonly gained: number;
  /** Of the share of right answers, in points; null for the closed model. */
  readonly change: Change | null;
  /** Of the loss on new conversations that were held out, in nats a token. */
  readonly learned: Change | null;
  readonly cost: RowCost;
}

export interface KnownTable {
  /** Texts that were extracted. */
  readonly instructions: number;
  readonly recovery: readonly Recovery[];
  /** Texts that ask for no skill of the hidden set. */
  readonly elsewhere: Share;
  readonly rows: readonly StudyRow[];
}

const CLOSED = 'official';
const Z = 1.959963984540054;

/** The table of one closed model, from its documents alone. */
export function knownTable(documents: StudyDocuments, seed: number): KnownTable {
  const found = documents.instructions.map(({ text }) => recognise(text));
  return {
    instructions: found.length,
    recovery: SKILL_NAMES.map((skill) => recovery(skill, documents, found)),
    elsewhere: shareOf(found.filter((each) => each === undefined).length, found.length),
    rows: studyRows(documents, seed),
  };
}

export function shareOf(count: number, of: number): Share {
  if (of === 0) return { count, of, low: 0, high: 1 };
  const share = count / of;
  const square = Z ** 2 / of;
  const middle = (share + square / 2) / (1 + square);
  const reach = (Z / (1 + square)) * Math.sqrt((share * (1 - share)) / of + square / (4 * of));
  return { count, of, low: Math.max(0, middle - reach), high: Math.min(1, middle + reach) };
}

function recovery(
  skill: SkillName,
  { hidden, instructions, base, replay }: StudyDocuments,
  found: readonly (Recognised | undefined)[],
): Recovery {
  const own = hidden.filter((pair) => pair.skill === skill);
  const parts = new Set(own.flatMap(({ question }) => recognise(question)?.parts ?? []));
  const asked = found.filter((each) => each?.skill === skill);
  const covered = new Set(asked.flatMap((each) => each!.parts).filter((part) => parts.has(part)));
  const texts = new Set(instructions.map(({ text }) => text.trim()));
  const replayed = replay.filter(({ instruction }) => recognise(instruction)?.skill === skill);
  return {
    skill,
    asked: shareOf(asked.length, found.length),
    base: shareOf(base.filter(({ text }) => recognise(text)?.skill === skill).length, base.length),
    coverage: shareOf(covered.size, parts.size),
    verbatim: shareOf(own.filter(({ question }) => texts.has(question)).length, own.length),
    right: shareOf(
      replayed.filter(({ instruction, response }) => recognise(instruction)!.answer === response.trim()).length,
      replayed.length,
    ),
  };
}

function studyRows({ hidden, answers, losses, rows }: StudyDocuments, seed: number): StudyRow[] {
  const closed = new Map(answers.filter(({ row }) => row === CLOSED).map(({ id, correct }) => [id, correct]));
  const changes = changesOf(rows, (row) => answersChange(row, answers, closed, seed));
  const learned = changesOf(rows, (row) => lossChange(row, losses, seed));
  return rows.map((cost, index): StudyRow => {
    const own = answers.filter(({ row }) => row === cost.row);
    if (own.length !== hidden.length) throw new Error(`${cost.row} answered ${own.length} of ${hidden.length} hidden questions`);
    const right = (some: readonly HiddenAnswer[]): Share => shareOf(some.filter(({ correct }) => correct).length, some.length);
    return {
      row: cost.row,
      right: {
        ...(Object.fromEntries(SKILL_NAMES.map((name) => [name, right(own.filter(({ skill }) => skill === name))])) as Record<
          SkillName,
          Share
        >),
        all: right(own),
      },
      forgotten: own.filter(({ id, correct }) => closed.get(id) === true && !correct).length,
      gained: own.filter(({ id, correct }) => closed.get(id) === false && correct).length,
      change: changes[index]!,
      learned: learned[index]!,
      cost,
    };
  });
}

/** The change of each row but the closed model's, corrected for all rows of the column. */
function changesOf(rows: readonly RowCost[], compare: (row: string) => PairedComparison): (Change | null)[] {
  const comparisons = rows.map(({ row }) => (row === CLOSED ? null : compare(row)));
  return comparisons.map(correctedChanges(comparisons.filter((each) => each !== null)));
}

function answersChange(
  name: string,
  answers: readonly HiddenAnswer[],
  closed: ReadonlyMap<string, boolean>,
  seed: number,
): PairedComparison {
  const differences = answers.filter(({ row }) => row === name).map(({ id, correct }) => Number(correct) - Number(closed.get(id)));
  return comparePaired([{ differences, scale: 100, unit: 1 }], { name: `answers ${name}`, seed });
}

function lossChange(name: string, losses: readonly HeldOutLoss[], seed: number): PairedComparison {
  const fresh = losses.filter(({ set }) => set === 'new');
  const before = new Map(fresh.filter(({ variant }) => variant === CLOSED).map(({ id, loss }) => [id, loss]));
  const after = fresh.filter(({ variant }) => variant === name);
  if (after.length === 0 || after.length !== before.size) throw new Error(`${name} has no loss on the new conversations held out`);
  return comparePaired(
    [{ differences: after.map(({ id, loss }) => loss - before.get(id)!), weights: after.map(({ tokens }) => tokens), scale: 1 }],
    { name: `learned ${name}`, seed },
  );
}

/** In tables. */
export function skillTitle(skill: SkillName): string {
  return SKILLS[skill].title;
}
