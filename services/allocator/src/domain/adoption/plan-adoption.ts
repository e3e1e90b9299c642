import { maxForwards } from '../forwards/edit-forwards.ts';
import type { Forward } from '../forwards/forward.ts';
import { nameForward } from '../forwards/name-forward.ts';
import { normalizeMac } from '../mac-address.ts';
import { isUuid } from '../text-rules.ts';
import { reasonOfMapping, sharedByMappings } from './adopt-mapping.ts';
import { forwardOfRule, isAdoptable } from './adopt-rule.ts';
import type { FoundMapping, FoundRule } from './adoption.ts';
import { sharedPorts } from './shared-ports.ts';

/** A rule, and the forward that it would be; or why it cannot be one (`reason` not empty). */
export interface PlannedRule {
  readonly rule: FoundRule;
  readonly forward: Forward | undefined;
  readonly reason: string;
}

/** A mapping with the rules that lead to its address. */
export interface PlannedMapping {
  readonly mapping: FoundMapping;
  readonly vmName: string;
  readonly macAddress: string;
  /** Why it cannot be a VM; empty when it can. */
  readonly reason: string;
  /** By their numbers. */
  readonly rules: readonly PlannedRule[];
}

/** All that others made on a router, and what it would be. */
export interface AdoptionPlan {
  /** By their names. */
  readonly mappings: readonly PlannedMapping[];
  /** Those that lead to no mapping of others, by their numbers. */
  readonly rules: readonly PlannedRule[];
}

export interface Found {
  readonly mappings: readonly FoundMapping[];
  readonly rules: readonly FoundRule[];
}

/** What the books say against adopting. */
export interface BookReasons {
  /** By mapping. */
  readonly mappings: ReadonlyMap<FoundMapping, string>;
  readonly rules: ReadonlyMap<FoundRule, string>;
  /** VMs by their addresses. */
  readonly vms: ReadonlyMap<string, string>;
}

/** The plan without what the books say against. */
export function refusing(plan: AdoptionPlan, { mappings, rules, vms }: BookReasons): AdoptionPlan {
  const refused = (one: PlannedRule, reason = ''): PlannedRule =>
    one.reason !== '' || reason === '' ? one : { rule: one.rule, forward: undefined, reason };
  return {
    mappings: plan.mappings.map((planned) => {
      const reason = planned.reason || (mappings.get(planned.mapping) ?? '');
      const because = reason && ofRefused(planned.mapping.name);
      return { ...planned, reason, rules: planned.rules.map((one) => refused(one, rules.get(one.rule) ?? because)) };
    }),
    rules: plan.rules.map((one) => ({ ...one, reason: noMapping(one.rule, vms.get(one.rule.translationAddress)) })),
  };
}

const ofRefused = (mapping: string): string =>
  `translates to the address of the mapping ${mapping}, which cannot be adopted`;

/** What of the router can be adopted, as far as the router alone tells; who holds what in the books is not looked at. `names`: of VMs, by mapping. */
export function planAdoption({ mappings, rules }: Found, names: ReadonlyMap<string, string>): AdoptionPlan {
  const shared = sharedByMappings(mappings);
  const ports = sharedPorts(rules);
  const targets = Map.groupBy(
    rules.toSorted((a, b) => a.number - b.number),
    ({ translationAddress }) => translationAddress,
  );
  const known = new Set(mappings.map(({ ipAddress }) => ipAddress));
  const planned = mappings.map((mapping, place): PlannedMapping => {
    const { name, macAddress, ipAddress } = mapping;
    const reason = reasonOfMapping(mapping) ?? shared.get(place)?.reason ?? '';
    return {
      mapping,
      vmName: names.get(name) ?? (isUuid(name) ? `vm-${name}` : name),
      macAddress: normalizeMac(macAddress) ?? '',
      reason,
      rules: planRules((ipAddress && targets.get(ipAddress)) || [], ports, reason && name),
    };
  });
  return {
    mappings: planned.sort((a, b) => (a.mapping.name < b.mapping.name ? -1 : 1)),
    rules: [...targets]
      .filter(([target]) => target === '' || !known.has(target))
      .flatMap(([, some]) => some)
      .sort((a, b) => a.number - b.number)
      .map((rule) => ({ rule, forward: undefined, reason: noMapping(rule) })),
  };
}

function noMapping(rule: FoundRule, vmName?: string): string {
  const read = forwardOfRule(rule);
  if (!isAdoptable(read)) return read.reason;
  const { translationAddress: target } = rule;
  if (target === '') return 'translates to no address';
  if (vmName)
    return `translates to ${target}, which the VM ${vmName} has: ask for a forward of that VM, and delete the rule`;
  return `translates to ${target}, which is no static mapping's address: make a mapping for it first`;
}

/** `refused`: the name of their mapping, when that cannot be adopted. */
function planRules(
  rules: readonly FoundRule[],
  ports: ReadonlyMap<number, number>,
  refused: string,
): readonly PlannedRule[] {
  const taken = new Set<string>();
  let external = '';
  return rules.map((rule): PlannedRule => {
    const no = (reason: string): PlannedRule => ({ rule, forward: undefined, reason });
    const read = forwardOfRule(rule);
    if (!isAdoptable(read)) return no(read.reason);
    const other = ports.get(rule.number);
    if (other !== undefined) return no(`has external ports in common with rule ${other}: forwards share none`);
    if (rule.destinationAddress !== '' && external !== '' && rule.destinationAddress !== external) {
      return no(`is on the external address ${rule.destinationAddress}, and another rule of its VM on ${external}`);
    }
    if (taken.size >= maxForwards) return no(`is one too many: a VM has at most ${maxForwards} forwards`);
    if (refused !== '') return no(ofRefused(refused));
    external ||= rule.destinationAddress;
    const name = nameForward(read, taken);
    taken.add(name.toLowerCase());
    return { rule, forward: { ...read, name }, reason: '' };
  });
}
