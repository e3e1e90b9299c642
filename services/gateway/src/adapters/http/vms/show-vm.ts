import { type Vm, VmState } from '@berth/contracts';
import { digestOf } from '../entity-tag.ts';
import { wordOf } from '../forwards/protocol-words.ts';
import { showForward } from '../forwards/show-forwards.ts';
import { showTime } from '../show-time.ts';
import type { VmDocument } from './vm-resource-schemas.ts';

const states: Record<VmState, VmDocument['state']> = {
  [VmState.UNSPECIFIED]: 'provisioning',
  [VmState.PROVISIONING]: 'provisioning',
  [VmState.ACTIVE]: 'active',
  [VmState.REMOVING]: 'removing',
};

/** A VM, whole. */
export const showVm = (vm: Vm): VmDocument => ({
  id: vm.id,
  name: vm.name,
  mac_address: vm.macAddress,
  hostname: vm.hostname,
  router: vm.router,
  internal_ip: vm.internalIp,
  external_ip: vm.externalIp,
  nat_rule_base: vm.natRuleBase || null,
  pools: { ip: vm.ipPool || null, port: vm.portPool || null, rule: vm.rulePool || null },
  metadata: vm.metadata ?? {},
  owner_group: vm.ownerGroup || null,
  state: states[vm.state],
  changing: vm.changing,
  forwards: vm.forwards.map(showForward),
  absent_forwards: vm.absentForwards.map(({ name, protocol, natRuleNumber }) => ({
    name,
    protocol: wordOf(protocol),
    nat_rule_number: natRuleNumber,
  })),
  version: Number(vm.version),
  created_at: showTime(vm.createdAt),
  updated_at: showTime(vm.updatedAt),
});

/**
 * The strong ETag of a VM and of its forwards: its version. A version counts what was accepted; until the router has confirmed it,
 * a VM of one version does not look the same all the time, and how it looks is part of the tag.
 */
export function vmTag(vm: Vm): string {
  const isSettled = vm.state === VmState.ACTIVE && !vm.changing;
  return isSettled ? `"${vm.version}"` : `"${vm.version}-${digestOf(JSON.stringify(showVm(vm)))}"`;
}
