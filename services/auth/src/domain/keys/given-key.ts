import { canBeKey, isMistyped } from './api-key-text.ts';

const shortestGivenKey = 16;
/** What examples hold for others to replace, and what everybody tries first. */
const knownWords =
  /change[^a-z0-9]*me|replace[^a-z0-9]*me|your|secret|example|placeholder|default|password|letmein|qwerty(uiop)?|asdfgh(jkl)?|admin|berth|vyos|api|key|token|test/gi;

/** Why a key that an operator chose by himself must not be used; undefined when it may. Never holds the key. */
export function weaknessOf(text: string): string | undefined {
  if (/^change[^a-z0-9]*me$/i.test(text)) return 'is "changeme": choose one of your own';
  if (text.length < shortestGivenKey) return `is shorter than ${shortestGivenKey} characters`;
  if (new Set(text).size < 5) return 'repeats the same few characters';
  if (isMistyped(text)) return 'looks like a key made by Berth with a character wrong';
  if (!canBeKey(text)) return 'is longer than 512 characters';
  const own = text.replace(knownWords, '');
  if (own !== text && own.replace(/[^a-z0-9]/gi, '').length < 8)
    return 'is made of words that examples have: choose one of your own';
  if (surprisesOf(text) < 5) return 'is made of characters in a row: choose one of your own';
  return undefined;
}

/** How often a character is neither the one before it nor its neighbour: a few times in `1234567890123456`. */
const surprisesOf = (text: string): number =>
  Array.from(text).filter((_, at) => at > 0 && Math.abs(text.charCodeAt(at) - text.charCodeAt(at - 1)) > 1).length;
