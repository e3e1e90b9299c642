import { WrongValue } from './field-checks.ts';

/** What is pooled, by the word that names it in paths. */
export const poolKinds = ['ip-pools', 'port-pools', 'rule-pools'] as const;
export type PoolKind = (typeof poolKinds)[number];

/** What a pool's name looks like. `.` and `..` would vanish from paths. */
export const poolNamePattern = '^(?!\\.{1,2}$)[A-Za-z0-9._-]{1,63}$';

const poolName = new RegExp(poolNamePattern);

/** Whether `text` can be a pool's name at all. */
export const canBePoolName = (text: string): boolean => poolName.test(text);

/** Fractions of use at which an alert is raised, each above the one before it. */
export function parseThresholds(thresholds: readonly number[]): readonly number[] {
  const index = thresholds.findIndex((threshold, i) => i > 0 && threshold <= (thresholds[i - 1] ?? 0));
  if (index > 0) throw new WrongValue(`must ascend: ${thresholds[index]} is not above ${thresholds[index - 1]}`);
  return thresholds;
}
