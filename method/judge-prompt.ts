/**
 * The paper's Table 2, word for word. The two placeholders stand on one line there; the rating's placeholder
 * `<rating>` belongs to the prompt itself and stays.
 */
export const JUDGE_PROMPT = `Below is a user instruction and an AI response. Evaluate the quality of the AI's response based on how well it fulfills the user's request. Assign a score based on the following 5-point scale:

1: The response is incomplete, off-topic, or contains irrelevant, vague, or missing information. It may repeat the user's question, include personal opinions, or be written from a non-AI perspective (e.g., blog-like). It may also have promotional or irrelevant content.

2: The response addresses some of the user's request but lacks detail or direct relevance. It provides only a general approach instead of a specific solution.

3: The response is helpful but lacks an AI perspective. It covers the user's request but appears taken from a personal blog, webpage, or similar source. It may include personal opinions, experiences, or mentions of external content.

4: The response is clear, complete, and written from an AI's perspective. It directly addresses the user's request, but there may be minor room for improvement, such as clarity or conciseness.

5: The response is excellent, written from an AI's perspective, with a clear focus on the user's request. It is thorough, well-organized, and shows expert knowledge without irrelevant content. The response is logical, easy to follow, and engaging.

Provide a brief justification for your score and then write "Score: <rating>" in the last line.

<generated instruction> <output>`;

/** What a judge is asked about. */
export interface JudgedPair {
  readonly instruction: string;
  readonly response: string;
}

/** The prompt's text before, between and after its two placeholders. */
const [BEFORE = '', BETWEEN = '', AFTER = ''] = JUDGE_PROMPT.split(/<generated instruction>|<output>/);

/**
 * The prompt that one judge gets for one response (paper, section 3.1, step 3 and Table 2), as one user message.
 * Both texts are inserted as they are: what looks like a placeholder inside them is not replaced again.
 */
export function renderJudgePrompt({ instruction, response }: JudgedPair): string {
  return `${BEFORE}${instruction}${BETWEEN}${response}${AFTER}`;
}
