import type { Message, MixtureRow } from '../../../method/records';
import { trainingFile } from '../../../services/fine-tuning/training-file';

const row = (id: string, messages: readonly Message[]): MixtureRow => ({ id, source: 'replay', messages });
const good = Array.from({ length: 10 }, (_, n) =>
  row(`i${n}`, [
    { role: 'user', content: `Why ${n}?` },
    { role: 'assistant', content: 'So.\n"Yes" ✓' },
  ]),
);

describe('the training file', () => {
  test('has one conversation a line, with nothing but its messages', () => {
    const lines = trainingFile(good).toString('utf8').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(good.map(({ messages }) => ({ messages })));
  });

  test("says calls, tools and what is not trained in the API's own keys", () => {
    const called = { name: 'weather', arguments: { city: 'Oslo' } };
    const tools = [{ type: 'function', function: { name: 'weather' } }];
    const messages: Message[] = [
      { role: 'user', content: 'Weather?' },
      { role: 'assistant', content: '', tool_calls: [{ id: 'c1', type: 'function', function: called }] },
      { role: 'tool', content: '7 degrees', tool_call_id: 'c1', name: 'weather' },
      { role: 'assistant', content: 'Cold.', train: false },
    ];
    const line = trainingFile([...good, { ...row('tools', messages), tools }])
      .toString('utf8')
      .trimEnd()
      .split('\n')
      .at(-1)!;
    expect(JSON.parse(line)).toEqual({
      messages: [
        { role: 'user', content: 'Weather?' },
        {
          role: 'assistant',
          content: '',
          tool_calls: [{ id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } }],
        },
        { role: 'tool', content: '7 degrees', tool_call_id: 'c1' },
        { role: 'assistant', content: 'Cold.', weight: 0 },
      ],
      tools,
    });
  });

  test('leaves out what ends in an answer that was cut, and says so where too few are left', () => {
    const cut = { ...row('cut', good[0]!.messages), cut: true };
    expect(trainingFile([...good, cut])).toEqual(trainingFile(good));
    expect(() => trainingFile([...good.slice(1), cut])).toThrow('the mixture, without 1 with an answer that was cut, has 9 examples');
  });

  test.each<[string, readonly Message[], string]>([
    ['without a message', [], 'bad has no message'],
    [
      'with an empty answer',
      [
        { role: 'user', content: 'Why?' },
        { role: 'assistant', content: ' \n' },
      ],
      'bad has an empty assistant message',
    ],
    ['that ends with the user', [{ role: 'user', content: 'Why?' }], 'bad does not end with the assistant'],
    [
      'with a late system message',
      [
        { role: 'user', content: 'Why?' },
        { role: 'system', content: 'Be brief.' },
        { role: 'assistant', content: 'So.' },
      ],
      'bad has a system message that is not its first',
    ],
    [
      'of another role',
      [
        { role: 'narrator' as 'user', content: '4' },
        { role: 'assistant', content: 'So.' },
      ],
      'bad has the role "narrator"',
    ],
    [
      'with thoughts',
      [
        { role: 'user', content: 'Why?' },
        { role: 'assistant', content: 'So.', reasoning_content: 'Hm.' },
      ],
      'bad has thoughts (reasoning_content), which it does not take',
    ],
  ])('is not made of a conversation %s', (_, messages, problem) => {
    expect(() => trainingFile([...good, row('bad', messages)])).toThrow(
      `the fine-tuning API would refuse 1 of 11 examples of the mixture: ${problem}; fix the new data`,
    );
  });

  test('tells three of many bad conversations, and how many more there are', () => {
    const bad = Array.from({ length: 5 }, (_, n) => row(`b${n}`, []));
    expect(() => trainingFile([...good, ...bad])).toThrow('b0 has no message; b1 has no message; b2 has no message, and 2 more; fix');
  });

  test('has ten examples at least, and no more bytes than the API takes', () => {
    expect(() => trainingFile(good.slice(1))).toThrow(
      'the mixture has 9 examples where the fine-tuning API wants at least 10; extract more instructions, or add new data',
    );
    const { byteLength } = trainingFile(good);
    expect(() => trainingFile(good, { examples: 10, bytes: byteLength - 1 })).toThrow(
      `the training file has ${byteLength} bytes where the fine-tuning API takes ${byteLength - 1}; lower mix.maxExamples`,
    );
  });
});
