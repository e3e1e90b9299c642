import { isDeepStrictEqual } from 'node:util';
import { assertVersion } from '../../domain/errors.ts';
import { checkRules, type LimitRule, type LimitRules, rulesText } from '../../domain/limits/limit-rule.ts';
import { auditedRules } from '../audited-states.ts';
import type { AuthTransaction } from '../auth-transaction.ts';

/** Replaces the limits for all. `ifVersion` 0: whatever there is now. Throws `invalid`, or `precondition_failed`. */
export async function changeLimits(
  transaction: AuthTransaction,
  { rules, ifVersion }: { readonly rules: readonly LimitRule[]; readonly ifVersion: number },
): Promise<LimitRules> {
  checkRules(rules);
  const before = await transaction.limits.rules();
  assertVersion(BigInt(ifVersion), before.version);
  const was = auditedRules(before.rules);
  if (isDeepStrictEqual(auditedRules(rules), was)) return before;
  const after = await transaction.limits.saveRules(rules);
  transaction.tell({ kind: 'limits', rules: rulesText(after.rules) });
  transaction.audit({
    action: 'limit.changed',
    resource: { id: '' },
    before: was,
    after: auditedRules(after.rules),
  });
  transaction.publish({ what: 'limit.changed', subject: { type: 'limit', id: 'limits' } });
  return after;
}
