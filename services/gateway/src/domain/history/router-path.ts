import { WrongValue } from '../field-checks.ts';

const longest = 1_000;

/** A place in a router's configuration as people write it: words with blanks between, quotes around words with blanks. */
export function parseRouterPath(text: string): string[] {
  const words = [...text.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
  const path = words[0] === 'set' ? words.slice(1) : words;
  if (path.length === 0 || text.length > longest) {
    throw new WrongValue('must be a path such as: nat destination rule 10010');
  }
  return path;
}
