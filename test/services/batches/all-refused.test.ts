import { AllRefusedError, AllRefusedRule } from '../../../services/batches/all-refused';
import type { MadeCall } from '../../../services/batches/journalled-calls';
import type { ModelRequest } from '../../../services/endpoints/model-client';
import { readReply } from '../../../services/endpoints/model-reply';

const REQUEST: ModelRequest = { path: 'completions', body: { prompt: 'x', logprobs: 20 }, tokenEstimate: 1 };
const RECORD = { item: 'a', call: 0, request: 'hash', at: '', ms: 1 };
const REFUSED: MadeCall = { isReplayed: false, record: RECORD, reply: undefined, error: { kind: 'refused', message: 'no' } };

function answered(text: string, tokens: readonly string[] = []): MadeCall {
  const reply = readReply({ choices: [{ text, logprobs: { tokens } }] });
  return { isReplayed: false, record: RECORD, reply, error: undefined };
}

/** Checks so many calls; returns how many passed. */
function passed(rule: AllRefusedRule, calls: readonly MadeCall[]): number {
  for (const [index, call] of calls.entries()) {
    try {
      rule.check(REQUEST, call);
    } catch (error) {
      if (error instanceof AllRefusedError) return index;
      throw error;
    }
  }
  return calls.length;
}

const times = (count: number, call: MadeCall): MadeCall[] => Array<MadeCall>(count).fill(call);

test('the eighth refusal without a reply ends the batch', () => {
  expect(passed(new AllRefusedRule('m', false), times(20, REFUSED))).toBe(7);
});

test('after one reply, or after an attempt that had any, refusals are about their items', () => {
  expect(passed(new AllRefusedRule('m', false), [answered('x', ['x']), ...times(20, REFUSED)])).toBe(21);
  expect(passed(new AllRefusedRule('m', true), times(20, REFUSED))).toBe(20);
});

test('the eighth reply without the logprobs that were asked for ends the batch, unless one had them', () => {
  expect(passed(new AllRefusedRule('m', true), times(20, answered('x')))).toBe(7);
  expect(passed(new AllRefusedRule('m', false), [answered('x', ['x']), ...times(20, answered('x'))])).toBe(21);
});

test('a reply without text has no logprobs to give', () => {
  expect(passed(new AllRefusedRule('m', false), times(20, answered('')))).toBe(20);
});
