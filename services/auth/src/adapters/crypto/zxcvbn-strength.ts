import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { adjacencyGraphs, dictionary as commonWords } from '@zxcvbn-ts/language-common';
import { dictionary as englishWords, translations } from '@zxcvbn-ts/language-en';
import type { EstimateStrength } from '../../app/accounts/check-password.ts';

/** The time that zxcvbn takes grows with the square of the length and more; what follows can only make a password stronger. */
const longestLookedAt = 40;

/** Estimates by zxcvbn with the words of English, common passwords and keyboards. Making it takes a quarter of a second. */
export function zxcvbnStrength(): EstimateStrength {
  const zxcvbn = new ZxcvbnFactory({
    dictionary: { ...commonWords, ...englishWords },
    graphs: adjacencyGraphs,
    translations,
  });
  return (password, inputs) => {
    const { score, feedback } = zxcvbn.check(password.slice(0, longestLookedAt), [...inputs]);
    const { warning, suggestions } = feedback;
    return { score, advice: [...(warning ? [warning] : []), ...suggestions] };
  };
}
