import type { Forward, Operation, Vm } from '@berth/contracts';
import { vmOf } from '../operations/operation-vm.ts';
import type { ChangedForwards, ForwardDocument, VmForwards } from './forward-schemas.ts';
import { wordOf } from './protocol-words.ts';

/** A forward as it stands. */
export const showForward = (forward: Forward): ForwardDocument => ({
  name: forward.name,
  status: forward.enabled ? 'enabled' : 'disabled',
  protocol: wordOf(forward.protocol),
  internal_port: forward.internalPort,
  internal_port_end: forward.internalPortEnd || forward.internalPort,
  external_port: forward.externalPort,
  external_port_end: forward.externalPortEnd || forward.externalPort,
  nat_rule_number: forward.natRuleNumber,
  nat_rule_numbers: forward.natRuleNumbers.length > 0 ? forward.natRuleNumbers : [forward.natRuleNumber],
  source: forward.source || null,
  sources: sourcesOf(forward),
  description: forward.description || null,
});

/** The forwards of a VM. */
export const showVmForwards = (vm: Vm): VmForwards => ({
  machine_id: vm.name,
  forwards: vm.forwards.map(showForward),
});

/** The forwards as a change of them left them. */
export const showChangedForwards = (operation: Operation): ChangedForwards => ({
  status: 'success',
  ...showVmForwards(vmOf(operation)),
});

const sourcesOf = ({ source, sources }: Forward): string[] =>
  sources.length === 0 && source !== '' ? [source] : sources;
