import { instructionId, instructionIndex, judgmentId, responseId } from '../../method/ids';

describe('ids', () => {
  it('are built from one another', () => {
    const instruction = instructionId(42);
    const response = responseId(instruction, 'qwen2-72b', 2);
    expect([instruction, response, judgmentId(response, 'gpt-4')]).toEqual([
      'i0000042',
      'i0000042:qwen2-72b:2',
      'i0000042:qwen2-72b:2:gpt-4',
    ]);
  });

  it('of instructions sort in the order of generation', () => {
    const ids = [0, 9, 10, 99_999, 100_000, 9_999_999].map(instructionId);
    expect(ids.toSorted()).toEqual(ids);
    expect(ids.map(instructionIndex)).toEqual([0, 9, 10, 99_999, 100_000, 9_999_999]);
  });

  it.each([-1, 1.5, 10_000_000, Number.NaN])('of instructions are refused for the index %d', (index) => {
    expect(() => instructionId(index)).toThrow(`an instruction's index is ${index}`);
  });

  it.each(['', 'i42', 'i00000042', 'x0000042', 'i0000042:a:0'])('do not read %j as an instruction', (id) => {
    expect(() => instructionIndex(id)).toThrow('is not an instruction');
  });

  it('of responses are refused for a sample that is no number', () => {
    expect(() => responseId('i0000042', 'a', Number.NaN)).toThrow('the sample of a for i0000042 is NaN');
  });
});
