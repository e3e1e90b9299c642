import { WrongValue } from './field-checks.ts';
import { isUuid } from './vm-name.ts';

/** A moment in a router's history. */
export type HistoryMoment =
  | { readonly case: 'commitId'; readonly value: string }
  | { readonly case: 'commitNumber'; readonly value: bigint }
  | { readonly case: 'at'; readonly value: Date };

const time = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;

/** A commit's number or id, or a time (RFC 3339). */
export function parseMoment(text: string): HistoryMoment {
  if (/^\d{1,15}$/.test(text)) return { case: 'commitNumber', value: BigInt(text) };
  if (isUuid(text)) return { case: 'commitId', value: text.toLowerCase() };
  return { case: 'at', value: parseTime(text) };
}

/** A time as RFC 3339. */
export function parseTime(text: string): Date {
  // A plus sign that was not encoded arrives as a blank.
  const written = text.replace(/ (\d{2}:\d{2})$/, '+$1');
  const date = new Date(written);
  if (!time.test(written) || Number.isNaN(date.getTime())) {
    throw new WrongValue('must be a time such as 2026-11-22T08:00:00Z, or the number or id of a commit');
  }
  return date;
}
