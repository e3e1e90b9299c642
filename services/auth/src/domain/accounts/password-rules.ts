/** Sorts of characters that a password may have to hold. */
export const characterKinds = ['lower', 'upper', 'digit', 'symbol'] as const;
export type CharacterKind = (typeof characterKinds)[number];

/** What passwords have to be like. */
export interface PasswordRules {
  /** In characters. */
  readonly minLength: number;
  readonly maxLength: number;
  /** At least one of each. */
  readonly characters: readonly CharacterKind[];
  /** How hard to guess: zxcvbn's score, 0 to 4. */
  readonly minScore: number;
  /** So many last passwords, the present one among them, cannot be chosen again; 0: only the present one. */
  readonly history: number;
}

const kinds: Readonly<Record<CharacterKind, { readonly pattern: RegExp; readonly words: string }>> = {
  lower: { pattern: /\p{Ll}/u, words: 'a lower case letter' },
  upper: { pattern: /\p{Lu}/u, words: 'an upper case letter' },
  digit: { pattern: /\p{Nd}/u, words: 'a digit' },
  symbol: { pattern: /[^\p{L}\p{N}\s]/u, words: 'a character that is neither letter nor digit' },
};

/** What is wrong with the form of a password: its length and characters. Never holds the password. */
export function formFaultsOf(text: string, rules: PasswordRules): readonly string[] {
  const length = [...text].length;
  if (length < rules.minLength) return [`must have at least ${rules.minLength} characters`];
  if (length > rules.maxLength) return [`must have at most ${rules.maxLength} characters`];
  return rules.characters
    .filter((kind) => !kinds[kind].pattern.test(text))
    .map((kind) => `must hold ${kinds[kind].words}`);
}
