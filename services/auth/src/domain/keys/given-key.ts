import { weaknessOfSecret } from '@berth/contracts';
import { canBeKey, isMistyped } from './api-key-text.ts';

const shortestGivenKey = 16;

/** Why a key that an operator chose by himself must not be used; undefined when it may. Never holds the key. */
export function weaknessOf(text: string): string | undefined {
  const weakness = weaknessOfSecret(text, shortestGivenKey);
  if (weakness !== undefined) return weakness;
  if (isMistyped(text)) return 'looks like a key made by Berth with a character wrong';
  if (!canBeKey(text)) return 'is longer than 512 characters';
  return undefined;
}
