import { WrongValue } from './field-checks.ts';

const form = /^(\d{4})-(\d{2})-(\d{2})[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;

/** A moment as RFC 3339, in the years 0001 to 9999 of UTC, which is what a message can carry. */
export function parseTime(text: string): Date {
  // A plus sign that was not encoded arrives as a blank.
  const written = text.replace(/ (\d{2}:\d{2})$/, '+$1');
  const date = new Date(written);
  const [, year, month, day] = form.exec(written) ?? [];
  const utcYear = date.getUTCFullYear();
  if (day === undefined || !(utcYear >= 1 && utcYear <= 9_999) || Number(day) > daysOf(Number(year), Number(month))) {
    throw new WrongValue('must be a time such as 2026-11-22T08:00:00Z');
  }
  return date;
}

/** Of a month; the language takes 30 February for 2 March. */
const daysOf = (year: number, month: number): number => {
  const next = new Date(0);
  next.setUTCFullYear(year, month, 0);
  return next.getUTCDate();
};
