import { type AuditedState, differences, type Forward, Protocol, type Vm } from '@berth/contracts';

const protocols: Record<Protocol, string> = {
  [Protocol.UNSPECIFIED]: 'tcp',
  [Protocol.TCP]: 'tcp',
  [Protocol.UDP]: 'udp',
  [Protocol.TCP_UDP]: 'tcp_udp',
};

/** What an operation made of its VM: whole where it was made or removed, else the fields that differ, and of the forwards those that do. */
export function vmChange(
  before: Vm | undefined,
  after: Vm | undefined,
): { readonly before: AuditedState | null; readonly after: AuditedState | null } {
  if (before === undefined || after === undefined)
    return { before: before ? auditedVm(before) : null, after: after ? auditedVm(after) : null };
  const [was, is] = [forwardsOf(before), forwardsOf(after)];
  const { before: lost, after: got } = differences(was, is);
  const fields = differences(auditedVm(before), auditedVm(after));
  return {
    before: { ...fields.before, ...('forwards' in fields.before && { forwards: Object.values(lost) }) },
    after: { ...fields.after, ...('forwards' in fields.after && { forwards: Object.values(got) }) },
  };
}

/** A VM with the names and values of the API. */
const auditedVm = (vm: Vm): AuditedState => ({
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
  forwards: Object.values(forwardsOf(vm)),
  version: Number(vm.version),
});

const forwardsOf = ({ forwards }: Vm): AuditedState =>
  Object.fromEntries(forwards.map((forward) => [forward.name, auditedForward(forward)]));

const auditedForward = (forward: Forward): AuditedState => ({
  name: forward.name,
  status: forward.enabled ? 'enabled' : 'disabled',
  protocol: protocols[forward.protocol],
  internal_port: forward.internalPort,
  internal_port_end: forward.internalPortEnd,
  external_port: forward.externalPort,
  external_port_end: forward.externalPortEnd,
  nat_rule_numbers: forward.natRuleNumbers,
  sources: forward.sources,
  description: forward.description || null,
});
