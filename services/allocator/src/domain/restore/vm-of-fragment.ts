import type { Forward, ForwardProtocol } from '../forwards/forward.ts';
import { nameForward } from '../forwards/name-forward.ts';
import type { NumberRange } from '../number-range.ts';
import { includes, lengthOf } from '../number-range.ts';
import { isForwardName } from '../text-rules.ts';
import type { DesiredFragment, DesiredRule } from '../vms/desired-fragment.ts';
import type { Vm } from '../vms/vm.ts';

const protocols: readonly string[] = ['tcp', 'udp', 'tcp_udp'];
const isProtocol = (text: string): text is ForwardProtocol => protocols.includes(text);

/**
 * A VM made of its lines, when no operation tells what it was: each rule is a forward, named by its description ("berth <vm> <forward>") or
 * its port. What no line says is as the VM was last; undefined when nothing of it is known any more. Whether its lines are really these is
 * for the caller to compare.
 */
export function vmOfFragment(
  { mapping, rules }: DesiredFragment,
  { ownerGroup, last }: { readonly ownerGroup: string; readonly last: Vm | undefined },
): Vm | undefined {
  if (last === undefined) return undefined;
  const name = rules.flatMap(({ description }) => /^berth (\S+) \S+$/.exec(description)?.[1] ?? [])[0] ?? last.name;
  const taken = new Set<string>();
  const forwards = rules.flatMap((rule) => {
    const forward = forwardOf(rule, name, last, taken);
    if (forward) taken.add(forward.name.toLowerCase());
    return forward ?? [];
  });
  const { name: hostname, macAddress, ipAddress: internalIp } = mapping;
  return {
    ...{ ...last, name, hostname, macAddress: macAddress.toLowerCase(), internalIp, ownerGroup, forwards },
    ...{ state: 'active', wanted: null, unsettled: false },
  };
}

function forwardOf(rule: DesiredRule, vmName: string, last: Vm, taken: ReadonlySet<string>): Forward | undefined {
  const external = portsOf(rule.destinationPort);
  const internal = portsOf(rule.translationPort);
  if (external === undefined || internal === undefined || !isProtocol(rule.protocol)) return undefined;
  const own: NumberRange = { first: rule.number, last: rule.number };
  const inBlock = includes(last.rules, own);
  const prefix = `berth ${vmName} `;
  const named = rule.description.startsWith(prefix) ? rule.description.slice(prefix.length) : '';
  const forward: Forward = {
    name: '',
    protocol: rule.protocol,
    state: rule.disabled ? 'disabled' : 'enabled',
    ...{ internal, external, externalCount: lengthOf(external), fixedPort: 0 },
    blockRule: inBlock ? rule.number : null,
    ownRules: inBlock ? null : own,
    ofTemplate: last.forwards.some(({ ofTemplate, blockRule }) => ofTemplate && blockRule === rule.number),
    sources: rule.sourceAddress === '' ? [] : [rule.sourceAddress],
    description: named === '' ? rule.description : '',
  };
  const usable = isForwardName(named) && !taken.has(named.toLowerCase());
  return { ...forward, name: usable ? named : nameForward({ ...forward, ownRules: own }, taken) };
}

function portsOf(text: string): NumberRange | undefined {
  const [, first = '', last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  return first === '' ? undefined : { first: Number(first), last: Number(last) };
}
