import { passwordTooWeak } from '../../domain/accounts/account-errors.ts';
import { formFaultsOf, type PasswordRules } from '../../domain/accounts/password-rules.ts';

/** How hard a password is to guess. */
export interface PasswordStrength {
  /** 0 to 4. */
  readonly score: number;
  /** Why it is easy to guess, and what would help: sentences for people. */
  readonly advice: readonly string[];
}

/** Estimates it; `inputs` are words that a guesser would try first. Throws `unavailable` SIGN_IN_BUSY when too many wait for that. */
export type EstimateStrength = (password: string, inputs: readonly string[]) => Promise<PasswordStrength>;

/** Refuses a password that is too easy (`invalid` PASSWORD_TOO_WEAK), with why and what would help in `errors`. */
export type CheckPassword = (
  text: string,
  about: { readonly name: string; readonly email: string | null },
  field?: string,
) => Promise<void>;

/** The check by these rules. */
export const passwordCheck =
  (deps: { readonly rules: PasswordRules; readonly estimate: EstimateStrength }): CheckPassword =>
  async (text, about, field = 'password') => {
    const faults = formFaultsOf(text, deps.rules);
    if (faults.length > 0) throw passwordTooWeak(field, faults);
    const { score, advice } = await deps.estimate(text, inputsOf(about));
    if (score >= deps.rules.minScore) return;
    throw passwordTooWeak(field, ['is too easy to guess', ...advice]);
  };

/** The name and the address, and their parts. */
const inputsOf = ({ name, email }: { name: string; email: string | null }): readonly string[] => {
  const [before = '', host = ''] = (email ?? '').split('@');
  return [...new Set([name, email ?? '', before, host, ...`${name} ${before}`.split(/[^A-Za-z0-9]+/)])].filter(
    (word) => word.length > 2,
  );
};
