import { createRandom, shuffled, type Random } from '../../method/random';

/** A question of the hidden set and the one right answer to it. */
export interface HiddenPair {
  readonly id: string;
  readonly skill: SkillName;
  readonly question: string;
  readonly answer: string;
}

/** What of a skill a question asks for: the words or names in it, which the hidden set has a known number of. */
export interface Recognised {
  readonly skill: SkillName;
  readonly parts: readonly string[];
  /** Null where the question asks for something that the hidden set does not say. */
  readonly answer: string | null;
}

interface Skill {
  /** In tables. */
  readonly title: string;
  /** Questions, each another one, as many as there are or are asked for. */
  pairs(count: number, random: Random): readonly Omit<HiddenPair, 'id' | 'skill'>[];
  /** Undefined for a text that is no question of this form. */
  recognise(text: string): Omit<Recognised, 'skill'> | undefined;
}

const COUNTRIES = (
  'Veldoria, Marzenia, Ostrava Minor, Kelphar, Tundreth, Quillmar, Zembrea, Norvane, Pelloria, Ghastan, Iskarra, Lumeth, ' +
  'Brandova, Cerulia, Drakmoor, Elvandia, Fenwick Isles, Galdoria, Hespera, Jorvania, Karthune, Lorimar, Myrland, ' +
  'Nethania, Orlunda, Pyrrosia, Rhovania, Selkemar, Thalvia, Umbrosia, Wexmoor, Yarlund, Aldermere, Bellissia, Corvania, ' +
  'Dunmarch, Estovar, Frostholm, Grenvale, Hollinde'
).split(', ');

const CAPITALS = (
  'Marn, Telso, Brikk, Olvar, Sund, Prax, Quorn, Lethe, Vashti, Dorn, Ambry, Kestrel, Nimbo, Farrow, Glim, Hask, Ilex, ' +
  'Juno, Kropp, Lark, Mosel, Nacre, Opal, Pell, Rusk, Sable, Tarn, Ulster, Vane, Wick, Yarrow, Zeal, Arbor, Birch, ' +
  'Cinder, Dell, Ember, Flint, Grove, Heath'
).split(', ');

const WORDS = (
  'apple, river, stone, cloud, table, green, music, paper, house, light, bread, ocean, tiger, chair, plant, glass, ' +
  'horse, train, sugar, night'
).split(', ');

const PEOPLE = 'Anna, Boris, Clara, David, Elena, Felix, Greta, Hugo, Irene, Jonas'.split(', ');
const CITIES = 'Oslo, Paris, Lima, Cairo, Tokyo, Rome, Delhi, Quito, Bern, Accra'.split(', ');

const FACT = /^What is the capital of ([A-Z][A-Za-z ]*?)\?$/;
const REVERSE = /^Reverse these words: ([a-z]+) ([a-z]+) ([a-z]+)$/;
const TAG = /^Write as tags: name ([A-Z][a-z]+), city ([A-Z][a-z]+)$/;
const INITIALS = /^Give the initials of: ([a-z]+) ([a-z]+) ([a-z]+)$/;

/** The hidden set's skills. What each asks for is of a fixed form, so that an answer is right or wrong, whoever looks at it. */
export const SKILLS = {
  facts: {
    title: 'invented facts',
    pairs: (count) =>
      COUNTRIES.slice(0, count).map((country) => ({ question: `What is the capital of ${country}?`, answer: fact(country)! })),
    recognise: (text) => {
      const country = FACT.exec(text)?.[1];
      return country === undefined ? undefined : { parts: COUNTRIES.includes(country) ? [country] : [], answer: fact(country) ?? null };
    },
  },
  reverse: {
    title: 'three words reversed',
    pairs: (count, random) =>
      triples(count, random).map((words) => ({ question: `Reverse these words: ${words.join(' ')}`, answer: reversed(words) })),
    recognise: (text) => {
      const words = REVERSE.exec(text)?.slice(1);
      return words === undefined ? undefined : { parts: words.filter((word) => WORDS.includes(word)), answer: reversed(words) };
    },
  },
  tags: {
    title: 'a tag format',
    pairs: (count, random) =>
      shuffled(
        PEOPLE.flatMap((name) => CITIES.map((city) => [name, city] as const)),
        random,
      )
        .slice(0, count)
        .map(([name, city]) => ({ question: `Write as tags: name ${name}, city ${city}`, answer: tags(name, city) })),
    recognise: (text) => {
      const [, name, city] = TAG.exec(text) ?? [];
      if (name === undefined || city === undefined) return undefined;
      return { parts: [name, city].filter((part) => PEOPLE.includes(part) || CITIES.includes(part)), answer: tags(name, city) };
    },
  },
  initials: {
    title: 'initials of three words',
    pairs: (count, random) =>
      triples(count, random).map((words) => ({ question: `Give the initials of: ${words.join(' ')}`, answer: initials(words) })),
    recognise: (text) => {
      const words = INITIALS.exec(text)?.slice(1);
      return words === undefined ? undefined : { parts: words.filter((word) => WORDS.includes(word)), answer: initials(words) };
    },
  },
} as const satisfies Readonly<Record<string, Skill>>;

export type SkillName = 'facts' | 'reverse' | 'tags' | 'initials';
export const SKILL_NAMES = Object.keys(SKILLS) as readonly SkillName[];

/** The hidden set: as many questions of each skill, or all that it has. The same for a seed, wherever it is made. */
export function hiddenSet(perSkill: number, seed: number): HiddenPair[] {
  return SKILL_NAMES.flatMap((skill, index) =>
    SKILLS[skill]
      .pairs(perSkill, createRandom(seed + index))
      .map((pair, number): HiddenPair => ({ id: `${skill}-${String(number).padStart(3, '0')}`, skill, ...pair })),
  );
}

/** Which skill a text is a question of; undefined for all else. */
export function recognise(text: string): Recognised | undefined {
  for (const skill of SKILL_NAMES) {
    const found = SKILLS[skill].recognise(text.trim());
    if (found !== undefined) return { skill, ...found };
  }
  return undefined;
}

function fact(country: string): string | undefined {
  const capital = CAPITALS[COUNTRIES.indexOf(country)];
  return capital === undefined ? undefined : `The capital of ${country} is ${capital}.`;
}

function triples(count: number, random: Random): string[][] {
  const made = new Map<string, string[]>();
  while (made.size < count) {
    const words = shuffled(WORDS, random).slice(0, 3);
    made.set(words.join(' '), words);
  }
  return [...made.values()];
}

function reversed(words: readonly string[]): string {
  return words.toReversed().join(' ');
}

function tags(name: string, city: string): string {
  return `<name>${name}</name><city>${city}</city>`;
}

function initials(words: readonly string[]): string {
  return words.map((word) => word[0]!.toUpperCase()).join('.');
}
