import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { adjacencyGraphs, dictionary as commonWords } from '@zxcvbn-ts/language-common';
import { dictionary as englishWords, translations } from '@zxcvbn-ts/language-en';
import type { EstimateStrength } from '../../app/accounts/check-password.ts';

/** The time that zxcvbn takes grows with the square of the length and more; what follows can only make a password stronger. */
const longestLookedAt = 40;

let made: ZxcvbnFactory | undefined;

/**
 * Estimates by zxcvbn with the words of English, common passwords and keyboards. Sorting them takes a quarter of a second, which
 * the first password that is checked waits for, once in a process: the start of the service should not.
 */
export const zxcvbnStrength: EstimateStrength = (password, inputs) => {
  made ??= new ZxcvbnFactory({
    dictionary: { ...commonWords, ...englishWords },
    graphs: adjacencyGraphs,
    translations,
  });
  const { score, feedback } = made.check(password.slice(0, longestLookedAt), [...inputs]);
  const { warning, suggestions } = feedback;
  return { score, advice: [...(warning ? [warning] : []), ...suggestions] };
};
