import { WrongValue } from '../field-checks.ts';

/** What is pooled, by the word that names it in paths. */
export const poolKinds = ['ip-pools', 'port-pools', 'rule-pools'] as const;
export type PoolKind = (typeof poolKinds)[number];

/** What a pool's name looks like. `.` and `..` would vanish from paths. */
export const poolNamePattern = '^(?!\\.{1,2}$)[A-Za-z0-9._-]{1,63}$';

const poolName = new RegExp(poolNamePattern);

/** Whether `text` can be a pool's name at all. */
export const canBePoolName = (text: string): boolean => poolName.test(text);

/** An alert threshold that is above the one before it, which the first has not. */
export function parseThreshold(threshold: number, before: number | undefined): number {
  if (before !== undefined && threshold <= before) throw new WrongValue(`must be above the one before, ${before}`);
  return threshold;
}
