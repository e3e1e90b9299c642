import { pageTokenInvalid } from '../domain/pools/pool-errors.ts';

/** Where the next page of a list begins. `query`: what was asked for; a token continues no other list. */
export const writePageToken = (place: readonly string[], query: string): string =>
  Buffer.from(JSON.stringify([query, ...place])).toString('base64url');

/** The place that a token of the same query names; undefined for no token. Throws `PAGE_TOKEN_INVALID` for what is none of ours. */
export function readPageToken(token: string, query: string, length: number): string[] | undefined {
  if (token === '') return undefined;
  try {
    const parts: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    if (Array.isArray(parts) && parts.length === length + 1 && parts[0] === query) {
      const place: unknown[] = parts.slice(1);
      if (place.every((part) => typeof part === 'string' && !part.includes('\u0000'))) return place as string[];
    }
  } catch {
    // falls through: it is not one of ours
  }
  throw pageTokenInvalid();
}
