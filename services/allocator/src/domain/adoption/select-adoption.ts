import type { DomainError } from '@berth/errors';
import { notAdoptable } from './adoption-errors.ts';
import type { AdoptionPlan, PlannedMapping, PlannedRule } from './plan-adoption.ts';

/** What shall be adopted: everything that can be, or what is named. */
export interface AdoptionWish {
  readonly all: boolean;
  /** Names of mappings: with all of their rules that can be adopted. */
  readonly mappings: readonly string[];
  /** Numbers of rules: with the mappings that they lead to. */
  readonly rules: readonly number[];
}

/** A VM to make of a mapping and some of its rules; or something that was named and cannot be had. */
export type Selected =
  | { readonly kind: 'vm'; readonly planned: PlannedMapping; readonly rules: readonly PlannedRule[] }
  | { readonly kind: 'refused'; readonly what: string; readonly error: DomainError };

/** What of the plan is asked for, each mapping once, in the order of the plan; behind it what was named and cannot be had. */
export function selectAdoption(plan: AdoptionPlan, wish: AdoptionWish): readonly Selected[] {
  const named = new Set(wish.mappings);
  const numbers = new Set(wish.rules);
  const refused: Selected[] = [];
  const refuse = (what: string, reason: string) =>
    void refused.push({ kind: 'refused', what, error: notAdoptable(what, reason || 'is not there, or not others’') });
  const selected = plan.mappings.flatMap((planned): Selected[] => {
    const { mapping, reason } = planned;
    const whole = wish.all || named.has(mapping.name);
    const asked = planned.rules.filter(({ rule }) => whole || numbers.has(rule.number));
    const rules = asked.filter((one) => one.reason === '');
    for (const one of asked)
      if (numbers.has(one.rule.number) && one.reason) refuse(`rule ${one.rule.number}`, one.reason);
    if (named.has(mapping.name) && reason) refuse(`mapping ${mapping.name}`, reason);
    return reason === '' && (whole || rules.length > 0) ? [{ kind: 'vm', planned, rules }] : [];
  });
  for (const { rule, reason } of plan.rules) if (numbers.has(rule.number)) refuse(`rule ${rule.number}`, reason);
  const mappings = new Set(plan.mappings.map(({ mapping }) => mapping.name));
  for (const name of named) if (!mappings.has(name)) refuse(`mapping ${name}`, '');
  const known = new Set([...plan.mappings.flatMap(({ rules }) => rules), ...plan.rules].map(({ rule }) => rule.number));
  for (const number of numbers) if (!known.has(number)) refuse(`rule ${number}`, '');
  return [...selected, ...refused];
}
