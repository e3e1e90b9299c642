import { DomainError } from '@berth/errors';

const usualPageSize = 100;
const largestPageSize = 500;

/** How many entries a page has that was asked for so. */
export const pageSizeOf = (asked: number): number => Math.min(asked === 0 ? usualPageSize : asked, largestPageSize);

/** The place that a token of `list` (which list, and which filter) names; undefined for no token. Throws `invalid` PAGE_TOKEN_INVALID for those that are of another list. */
export function readPageToken(
  list: string,
  token: string,
  isPlace: (place: string[]) => boolean,
): string[] | undefined {
  if (token === '') return undefined;
  try {
    const parts: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    if (Array.isArray(parts) && parts[0] === list && parts.every((part) => typeof part === 'string')) {
      const place = parts.slice(1);
      if (isPlace(place)) return place;
    }
  } catch {
    // falls through: it is not one of ours
  }
  throw pageTokenInvalid();
}

export const pageTokenInvalid = (): DomainError =>
  new DomainError('invalid', 'PAGE_TOKEN_INVALID', 'That page token was not given out for this list.');

/** A page of what was found, of which one more than `size` was asked for, and the token of the next. */
export function pageOf<T>(found: readonly T[], size: number, list: string, placeOf: (last: T) => readonly string[]) {
  const items = found.slice(0, size);
  const last = items.at(-1);
  return { items, nextToken: found.length > size && last !== undefined ? writePageToken(list, placeOf(last)) : '' };
}

const writePageToken = (list: string, place: readonly string[]): string =>
  Buffer.from(JSON.stringify([list, ...place])).toString('base64url');
