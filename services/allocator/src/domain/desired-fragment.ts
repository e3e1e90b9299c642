import type { Forward } from './forward.ts';
import { ruleDescription } from './text-rules.ts';
import type { Vm } from './vm.ts';

/** A destination NAT rule, as the driver takes it. */
export interface DesiredRule {
  readonly number: number;
  readonly inboundInterface: string;
  readonly protocol: string;
  readonly destinationAddress: string;
  readonly destinationPort: string;
  readonly translationAddress: string;
  readonly translationPort: string;
  readonly sourceAddress: string;
  readonly description: string;
  readonly disabled: boolean;
}

/** Everything that a VM shall have on its router. */
export interface DesiredFragment {
  readonly mapping: {
    readonly network: string;
    readonly subnet: string;
    readonly name: string;
    readonly macAddress: string;
    readonly ipAddress: string;
  };
  readonly rules: readonly DesiredRule[];
}

/** What a VM with these forwards shall have on its router. */
export function desiredFragment(vm: Vm, forwards: readonly Forward[]): DesiredFragment {
  return {
    mapping: {
      network: vm.site.dhcpNetwork,
      subnet: vm.site.dhcpSubnet,
      name: vm.hostname,
      macAddress: vm.macAddress,
      ipAddress: vm.internalIp,
    },
    rules: forwards
      .filter(({ state }) => state !== 'absent')
      .map((forward) => ({
        number: forward.ruleNumber,
        inboundInterface: vm.site.wanInterface,
        protocol: forward.protocol,
        destinationAddress: vm.site.externalIp,
        destinationPort: String(forward.externalPort),
        translationAddress: vm.internalIp,
        translationPort: String(forward.internalPort),
        sourceAddress: forward.source,
        description: ruleDescription(vm.name, forward),
        disabled: forward.state === 'disabled',
      })),
  };
}
