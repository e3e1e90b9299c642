import { type Forward, Protocol, type Vm } from '@berth/contracts';
import type { VmPorts } from './documents/ports.ts';

/** Always shown, whether there or not. */
const templateNames = ['ssh', 'http', 'https'] as const;

const words: Record<Protocol, 'tcp' | 'udp' | 'both'> = {
  [Protocol.UNSPECIFIED]: 'tcp',
  [Protocol.TCP]: 'tcp',
  [Protocol.UDP]: 'udp',
  [Protocol.TCP_UDP]: 'both',
};

/** How a forward stands; `undefined` is one that does not exist. */
export const showForward = (forward: Forward | undefined) =>
  forward === undefined
    ? { status: 'not_active' as const, external_port: null, nat_rule_number: null }
    : {
        status: forward.enabled ? ('enabled' as const) : ('disabled' as const),
        external_port: forward.externalPort,
        nat_rule_number: forward.natRuleNumber,
      };

/** The forwards of a VM for dashboards: the template's first, then the others by name. */
export function showVmPorts(vm: Vm): VmPorts {
  const others = vm.forwards.map(({ name }) => name).filter((name) => !templateNames.some((known) => known === name));
  const names = [...templateNames, ...others.sort()];
  return {
    machine_id: vm.name,
    internal_ip: vm.internalIp,
    ports: Object.fromEntries(names.map((name) => [name, showDetails(forwardOf(vm, name))])),
  };
}

/** The forward of that name, if there is one. */
export const forwardOf = (vm: Vm, name: string): Forward | undefined =>
  vm.forwards.find((forward) => forward.name === name);

const showDetails = (forward: Forward | undefined) => ({
  ...showForward(forward),
  protocol: forward === undefined ? null : words[forward.protocol],
  source: forward?.source || null,
  description: forward?.description || null,
});
