import { WrongValue } from '../field-checks.ts';
import { parseTime } from '../parse-time.ts';
import { isUuid } from '../vms/vm-name.ts';

/** A moment in a router's history. */
export type HistoryMoment =
  | { readonly case: 'commitId'; readonly value: string }
  | { readonly case: 'commitNumber'; readonly value: bigint }
  | { readonly case: 'at'; readonly value: Date };

/** A commit's number or id, or a time (RFC 3339). */
export function parseMoment(text: string): HistoryMoment {
  if (/^\d{1,15}$/.test(text)) return { case: 'commitNumber', value: BigInt(text) };
  if (isUuid(text)) return { case: 'commitId', value: text.toLowerCase() };
  try {
    return { case: 'at', value: parseTime(text) };
  } catch (error) {
    throw error instanceof WrongValue ? new WrongValue(`${error.message}, or the number or id of a commit`) : error;
  }
}
