import { type Forward, Protocol, type Vm } from '@berth/contracts';
import type { VmPorts } from './port-schemas.ts';

/** Shown first: what dashboards look for. */
const firstNames = ['ssh', 'http', 'https'] as const;

const words: Record<Protocol, 'tcp' | 'udp' | 'both'> = {
  [Protocol.UNSPECIFIED]: 'tcp',
  [Protocol.TCP]: 'tcp',
  [Protocol.UDP]: 'udp',
  [Protocol.TCP_UDP]: 'both',
};

/** How a forward stands; `undefined` is one that does not exist. */
export const showPortState = (forward: Forward | undefined) =>
  forward === undefined
    ? { status: 'not_active' as const, external_port: null, nat_rule_number: null }
    : {
        status: forward.enabled ? ('enabled' as const) : ('disabled' as const),
        external_port: forward.externalPort,
        nat_rule_number: forward.natRuleNumber,
      };

/** The forwards of a VM for dashboards, absent ones that it knows included: ssh, http and https first, then the others by name. */
export function showVmPorts(vm: Vm): VmPorts {
  const known = new Set([...vm.forwards, ...vm.absentForwards].map(({ name }) => name).sort());
  const names = new Set([...firstNames.filter((name) => known.has(name)), ...known]);
  return {
    machine_id: vm.name,
    internal_ip: vm.internalIp,
    ports: Object.fromEntries([...names].map((name) => [name, showDetails(forwardOf(vm, name))])),
  };
}

/** The forward of that name, if there is one. */
export const forwardOf = (vm: Vm, name: string): Forward | undefined =>
  vm.forwards.find((forward) => forward.name === name);

const showDetails = (forward: Forward | undefined) => ({
  ...showPortState(forward),
  protocol: forward === undefined ? null : words[forward.protocol],
  source: forward?.source || null,
  description: forward?.description || null,
});
