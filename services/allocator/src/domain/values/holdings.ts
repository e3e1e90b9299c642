import { type Forward, ownRuleCount, portSpacesOf, stands } from '../forwards/forward.ts';
import { lengthOf, type NumberRange, overlapOf, without } from '../number-range.ts';
import type { Demand, PortDemand, SpaceKind, TakenValue } from './choose-values.ts';

/** Numbers that a VM holds, or is to hold, for one of its forwards. */
export interface Holding {
  readonly kind: SpaceKind;
  readonly held: NumberRange;
  /** The forward's name. */
  readonly slot: string;
}

/** All that these forwards hold: their external ports, and rule numbers of their own. Numbers of the VM's block are the VM's. */
export const holdingsOf = (forwards: readonly Forward[]): Holding[] =>
  forwards.flatMap((forward) => {
    const { name: slot, external, ownRules } = forward;
    const ports = external && stands(forward) ? portSpacesOf(forward.protocol) : [];
    return [
      ...ports.flatMap((kind) => (external ? [{ kind, held: external, slot }] : [])),
      ...(ownRules ? [{ kind: 'rule' as const, held: ownRules, slot }] : []),
    ];
  });

/** What of `some` is in none of `others`, number by number; under which name it is held does not matter. */
export const withoutHoldings = (some: readonly Holding[], others: readonly Holding[]): Holding[] =>
  some.flatMap(({ kind, held, slot }) => {
    const ranges = others.filter((other) => other.kind === kind).map((other) => other.held);
    return without(held, ranges).map((left) => ({ kind, held: left, slot }));
  });

/** What of `after` is held under another name so far: it goes with its forward when that is renamed. */
export const renamedHoldings = (after: readonly Holding[], before: readonly Holding[]): Holding[] =>
  after.filter((one) =>
    before.some(({ kind, held, slot }) => kind === one.kind && slot !== one.slot && overlapOf(held, one.held)),
  );

export const toHoldings = (taken: readonly TakenValue[]): Holding[] =>
  taken.map(({ space, held, slot }) => ({ kind: space, held, slot }));

/**
 * What must be taken so that planned forwards have all they need besides what the VM holds already (`inHand`): ports that are named and
 * not in hand, runs of the pool where none is named, rule numbers.
 */
export function demandsFor(
  planned: readonly Forward[],
  inHand: readonly Holding[],
  within: NumberRange | undefined,
): Pick<Demand, 'ports' | 'rules'> {
  const ports: PortDemand[] = [];
  for (const forward of planned.filter(stands)) {
    const { name: slot, protocol, external, externalCount: count } = forward;
    if (external === null) ports.push({ slot, protocol, exact: 0, count, within });
    else ports.push(...namedPorts(forward, inHand));
  }
  const rules = planned
    .filter((forward) => stands(forward) && forward.ownRules === null && ownRuleCount(forward) > 0)
    .map((forward) => ({ slot: forward.name, count: ownRuleCount(forward) }));
  return { ports, rules };
}

/** The ports that are named and not in hand; under both protocols at once where they are missing under both. */
function namedPorts(forward: Forward, inHand: readonly Holding[]): PortDemand[] {
  const missing = withoutHoldings(holdingsOf([{ ...forward, ownRules: null }]), inHand);
  const demand = (protocol: Forward['protocol'], held: NumberRange): PortDemand => ({
    slot: forward.name,
    protocol,
    exact: held.first,
    count: lengthOf(held),
    within: undefined,
  });
  const same = (one: NumberRange, other: NumberRange) => one.first === other.first && one.last === other.last;
  const [tcp, udp] = (['tcp', 'udp'] as const).map((kind) => missing.filter((one) => one.kind === kind));
  const both = (tcp ?? []).filter(({ held }) => udp?.some((other) => same(other.held, held)));
  const inBoth = ({ held }: Holding) => both.some((one) => same(one.held, held));
  return [
    ...both.map(({ held }) => demand('tcp_udp', held)),
    ...missing.flatMap((one) =>
      inBoth(one) || one.kind === 'address' || one.kind === 'rule' ? [] : [demand(one.kind, one.held)],
    ),
  ];
}

/** Planned forwards with what was taken for them. */
export function withTaken(planned: readonly Forward[], taken: readonly TakenValue[]): Forward[] {
  const of = (slot: string, kinds: readonly SpaceKind[]) =>
    taken.find((value) => value.slot === slot && kinds.includes(value.space))?.held;
  return planned.map((forward) => {
    if (!stands(forward)) return forward;
    const external = forward.external ?? of(forward.name, portSpacesOf(forward.protocol)) ?? null;
    const missesRules = forward.ownRules === null && ownRuleCount(forward) > 0;
    return { ...forward, external, ownRules: missesRules ? (of(forward.name, ['rule']) ?? null) : forward.ownRules };
  });
}
