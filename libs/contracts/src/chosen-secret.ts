/** What examples hold for others to replace, and what everybody tries first. */
const knownWords =
  /change[^a-z0-9]*me|replace[^a-z0-9]*me|your|secret|example|placeholder|default|password|letmein|qwerty(uiop)?|asdfgh(jkl)?|admin|berth|vyos|router|api|key|token|test/gi;

/**
 * Why a secret that somebody chose, such as a key in the settings, must not be used; undefined when it may. Never holds the secret. One rule
 * for all services, so that none lets through what another refuses.
 */
export function weaknessOfSecret(text: string, shortest: number): string | undefined {
  if (/^change[^a-z0-9]*me$/i.test(text)) return 'is "changeme": choose one of your own';
  if (text.length < shortest) return `is shorter than ${shortest} characters`;
  if (new Set(text).size < 5) return 'repeats the same few characters';
  const own = text.replace(knownWords, '');
  if (own !== text && own.replace(/[^a-z0-9]/gi, '').length < 8)
    return 'is made of words that examples have: choose one of your own';
  if (surprisesOf(text) < 5) return 'is made of characters in a row: choose one of your own';
  return undefined;
}

/** How often a character is neither the one before it nor its neighbour: a few times in `1234567890123456`. */
const surprisesOf = (text: string): number =>
  Array.from(text).filter((_, at) => at > 0 && Math.abs(text.charCodeAt(at) - text.charCodeAt(at - 1)) > 1).length;
