import { csvText } from '../../../report/render/csv';

test('cells are quoted where they must be, and numbers stay numbers, negative ones too', () => {
  expect(
    csvText(
      ['a', 'b', 'c'],
      [
        ['x,y', -1.5, null],
        ['say "no"\nor not', 0, ''],
      ],
    ),
  ).toBe('a,b,c\r\n"x,y",-1.5,\r\n"say ""no""\nor not",0,\r\n');
});

test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\n=1', '＝1', '＋1', '－1', '＠A'])(
  '%j cannot be taken for a formula',
  (text) => {
    const [, cell] = csvText(['name'], [[text]]).split(/\r\n(?=.)/s);
    expect(cell!.replace(/^"/, '')).toMatch(/^'/);
  },
);
