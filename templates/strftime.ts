import { MethodError } from '../method/method-error';

const MONTHS = 'January February March April May June July August September October November December'.split(' ');
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

/**
 * Python's `strftime` for a day at noon, in the C locale.
 * @param day `YYYY-MM-DD`
 * @throws {MethodError} for a directive that depends on a locale, a time zone or a clock
 */
export function strftime(day: string, format: string): string {
  const date = new Date(`${day}T12:00:00Z`);
  const [year = '', month = '', dayOfMonth = ''] = day.split('-');
  const texts: Readonly<Record<string, string>> = {
    Y: year,
    y: year.slice(2),
    m: month,
    d: dayOfMonth,
    e: String(Number(dayOfMonth)).padStart(2, ' '),
    B: MONTHS[date.getUTCMonth()]!,
    b: MONTHS[date.getUTCMonth()]!.slice(0, 3),
    h: MONTHS[date.getUTCMonth()]!.slice(0, 3),
    A: DAYS[date.getUTCDay()]!,
    a: DAYS[date.getUTCDay()]!.slice(0, 3),
    F: day,
    H: '12',
    I: '12',
    M: '00',
    S: '00',
    p: 'PM',
    T: '12:00:00',
    '%': '%',
  };
  return format.replace(/%(-?)(.?)/gsu, (directive, unpadded: string, letter: string) => {
    const text = Object.hasOwn(texts, letter) ? texts[letter] : undefined;
    if (text === undefined) {
      throw new MethodError(`the chat template asks for the date as ${JSON.stringify(format)}, of which ${directive} is not known`);
    }
    return unpadded === '' ? text : text.replace(/^[0 ](?=\d)/, '');
  });
}
