import { type ConfigLeaf, type Forward, portPairsOf, ruleNumbersOf, stands } from '../forwards/forward.ts';
import type { NumberRange } from '../number-range.ts';
import { ruleDescription } from '../text-rules.ts';
import type { Vm, Wanted } from './vm.ts';

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
  readonly extra: readonly ConfigLeaf[];
}

/** Everything that a VM shall have on its router. */
export interface DesiredFragment {
  readonly mapping: {
    readonly network: string;
    readonly subnet: string;
    readonly name: string;
    readonly macAddress: string;
    readonly ipAddress: string;
    readonly extra: readonly ConfigLeaf[];
  };
  readonly rules: readonly DesiredRule[];
}

const portText = ({ first, last }: NumberRange): string => (first === last ? String(first) : `${first}-${last}`);

/** A forward's rules: for each source, one for each pair of ports. */
function rulesOf(vm: Vm, vmName: string, forward: Forward): DesiredRule[] {
  const { form } = forward;
  const numbers = ruleNumbersOf(forward);
  const sources = forward.sources.length > 0 ? forward.sources : [''];
  const rules = sources.flatMap((source) => portPairsOf(forward).map((pair) => ({ source, ...pair })));
  return rules.map(({ source, external, internal }, index) => {
    const number = numbers[index];
    if (number === undefined) throw new Error(`the forward ${forward.name} of ${vm.id} lacks a rule number`);
    return {
      number,
      inboundInterface: form ? form.inboundInterface : vm.site.wanInterface,
      protocol: forward.protocol,
      destinationAddress: form ? form.destinationAddress : vm.site.externalIp,
      destinationPort: portText(external),
      translationAddress: vm.internalIp,
      translationPort: form?.keepsPort && external.first === internal.first ? '' : portText(internal),
      sourceAddress: source,
      description: form ? forward.description : ruleDescription(vmName, forward),
      disabled: forward.state === 'disabled',
      extra: form?.extra ?? [],
    };
  });
}

/** What a VM that is wanted so shall have on its router. */
export const desiredFragment = (vm: Vm, wanted: Wanted): DesiredFragment => ({
  mapping: {
    network: vm.site.dhcpNetwork,
    subnet: vm.site.dhcpSubnet,
    name: wanted.hostname,
    macAddress: macOf(vm, wanted),
    ipAddress: vm.internalIp,
    extra: vm.adopted?.extra ?? [],
  },
  rules: wanted.forwards.filter(stands).flatMap((forward) => rulesOf(vm, wanted.name, forward)),
});

/** As people wrote it, as long as it is the same. */
function macOf({ adopted }: Vm, { macAddress }: Wanted): string {
  return adopted && adopted.macAsWritten.toLowerCase() === macAddress ? adopted.macAsWritten : macAddress;
}
