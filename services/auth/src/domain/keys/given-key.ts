import { canBeKey, isMistyped } from './api-key-text.ts';

const shortestGivenKey = 16;

/** Why a key that an operator chose by himself must not be used; undefined when it may. Never holds the key. */
export function weaknessOf(text: string): string | undefined {
  if (text.toLowerCase() === 'changeme') return 'is "changeme": choose a key of your own';
  if (text.length < shortestGivenKey) return `is shorter than ${shortestGivenKey} characters`;
  if (new Set(text).size < 5) return 'repeats the same few characters';
  if (isMistyped(text)) return 'looks like a key made by Berth with a character wrong';
  if (!canBeKey(text)) return 'is longer than 512 characters';
  return undefined;
}
