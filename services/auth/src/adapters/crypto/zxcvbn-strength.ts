import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { adjacencyGraphs, dictionary as commonWords } from '@zxcvbn-ts/language-common';
import { dictionary as englishWords, translations } from '@zxcvbn-ts/language-en';
import type { PasswordStrength } from '../../app/accounts/check-password.ts';

/** The time that zxcvbn takes grows with the square of the length and more; what follows can only make a password stronger. */
const longestLookedAt = 40;
/**
 * Readings of digits and signs as letters that are tried for each part. The library's own bound of 100 makes random passwords cost ten times
 * as much, and tells hardly any other score.
 */
const mostReadings = 16;

let made: ZxcvbnFactory | undefined;

/**
 * Estimates by zxcvbn with the words of English, common passwords and keyboards. It takes tens of milliseconds, and a quarter of a second more
 * the first time, when the words are sorted: for a thread of its own (`StrengthThread`).
 */
export function zxcvbnStrength(password: string, inputs: readonly string[]): PasswordStrength {
  made ??= new ZxcvbnFactory({
    dictionary: { ...commonWords, ...englishWords },
    graphs: adjacencyGraphs,
    translations,
    l33tMaxSubstitutions: mostReadings,
  });
  const { score, feedback } = made.check(password.slice(0, longestLookedAt), [...inputs]);
  const { warning, suggestions } = feedback;
  return { score, advice: [...(warning ? [warning] : []), ...suggestions] };
}
