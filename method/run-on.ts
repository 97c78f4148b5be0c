/** Names that chat formats have for who speaks. */
const ROLES: readonly string[] = ['assistant', 'user', 'model', 'system', 'developer', 'tool', 'human', 'bot', 'ai', 'gpt', 'chatbot'];
/** Words that compounds of the language end with, such as `superuser`; `assistant` is none of them. */
const ENDS_OF_WORDS: readonly string[] = ['user', 'model', 'human', 'bot', 'system', 'tool', 'ai'];

/**
 * Names of roles in the structure between two texts, where special tokens stand beside them: `assistant` of
 * `<|im_end|>\n<|im_start|>assistant\n`. They are what is left where a server drops special tokens from its text.
 */
export function rolesOf(structures: readonly string[], specialTokens: readonly string[]): string[] {
  const roles = structures.flatMap((structure) => {
    const words = specialTokens.reduce((rest, token) => rest.replaceAll(token, token === '' ? '' : '\0'), structure);
    return words.includes('\0') ? (words.match(/(?<=\0\s{0,4})[A-Za-z]{2,20}(?=\0|\s|$)/g) ?? []) : [];
  });
  return [...new Set(roles)].filter((role) => ROLES.includes(role.toLowerCase()));
}

/**
 * Where another turn begins in a text that lost its special tokens: `What is the capital of Norway?assistant\n\nThe capital …`. A role's
 * name counts on a line of its own, and glued to what stands before it; inside a sentence it is a word.
 * @returns the position of the first, or undefined
 */
export function runOnAt(text: string, roles: readonly string[]): number | undefined {
  const positions = roles.flatMap((role) => {
    const glue = ENDS_OF_WORDS.includes(role) ? '[^\\s\\p{L}\\p{N}_/.-]' : '[^\\s/.-]';
    const patterns = [
      `(?:^|\\n)${role}(?=\\n)`, // a line of its own
      `(?<=${glue}|\\p{Ll}{2}\\.)${role}(?=\\n\\n)`, // glued to the end of the text before it
      `(?<=[?!:;)\\]"”»…。？！])${role}(?=\\n)`,
      `(?<=[?!:;)\\]"”»…。？！]|\\p{L}\\.)${role}(?=\\p{Lu})`, // and followed by the reply at once
      ...(ENDS_OF_WORDS.includes(role) ? [] : [`(?<=\\n)${role}(?=\\p{Lu}\\p{Ll}*[ ,][\\p{L}\\p{N}"])`]), // Granite's, not a name of a program's
    ];
    return patterns.map((pattern) => text.search(new RegExp(pattern, 'u'))).filter((position) => position >= 0);
  });
  return positions.length === 0 ? undefined : Math.min(...positions);
}
