import type { BackedUpForward, BackedUpSpan, BackedUpVm, BackedUpVmSchema } from '@berth/contracts';
import type { JsonObject, MessageInitShape } from '@bufbuild/protobuf';
import { invalid } from '../../../domain/check-fields.ts';
import type { ConfigLeaf, Forward, ForwardProtocol } from '../../../domain/forwards/forward.ts';
import type { NumberRange } from '../../../domain/number-range.ts';
import type { PoolRef, Vm } from '../../../domain/vms/vm.ts';

/** A VM as the router has confirmed it, for a backup. */
export const toBackedUp = (vm: Vm): MessageInitShape<typeof BackedUpVmSchema> => ({
  ...{ id: vm.id, name: vm.name, macAddress: vm.macAddress, hostname: vm.hostname, internalIp: vm.internalIp },
  ...vm.site,
  rules: vm.rules,
  ...(vm.portRange && { portRange: vm.portRange }),
  ...{ ipPool: vm.ipPool?.name ?? '', portPool: vm.portPool?.name ?? '', rulePool: vm.rulePool?.name ?? '' },
  ...(vm.metadata && { metadata: vm.metadata as JsonObject }), // it came out of a JSON object, through jsonb
  ownerGroup: vm.ownerGroup,
  forwards: vm.forwards.map(({ external, ownRules, blockRule, sources, form, ...forward }) => ({
    ...forward,
    ...(external && { external }),
    ...(ownRules && { ownRules }),
    blockRule: blockRule ?? 0,
    sources: [...sources],
    ...(form && { form: { ...form, extra: leavesOnWire(form.extra) } }),
  })),
  ...(vm.adopted && {
    adopted: { macAsWritten: vm.adopted.macAsWritten, extra: leavesOnWire(vm.adopted.extra) },
  }),
});

const leavesOnWire = (extra: readonly ConfigLeaf[]) =>
  extra.map(({ path, values }) => ({ path: [...path], values: [...values] }));

/** A VM of a backup, on this router; throws where a field cannot be read. `at` is its place in the document. */
export function fromBackedUp(message: BackedUpVm, router: string, at: string): Vm {
  const { wanInterface, externalIp, dhcpNetwork, dhcpSubnet, adopted, portRange } = message;
  return {
    ...{ id: message.id.toLowerCase(), name: message.name, macAddress: message.macAddress },
    ...{ hostname: message.hostname, router, internalIp: message.internalIp },
    site: { wanInterface, externalIp, dhcpNetwork, dhcpSubnet },
    rules: spanOf(message.rules, `${at}.rules`),
    portRange: portRange ? spanOf(portRange, `${at}.port_range`) : null,
    ipPool: poolOf(message.ipPool),
    portPool: poolOf(message.portPool),
    rulePool: poolOf(message.rulePool),
    metadata: message.metadata ?? null,
    ownerGroup: message.ownerGroup,
    ...{ state: 'active', wanted: null, unsettled: false, revision: 0, incarnation: 0, version: 0 },
    forwards: message.forwards.map((forward, index) => toForward(forward, `${at}.forwards[${index}]`)),
    ...(adopted && { adopted: { macAsWritten: adopted.macAsWritten, extra: adopted.extra.map(toLeaf) } }),
    createdAt: new Date(0),
    updatedAt: new Date(0),
  };
}

/** Found again by its name: the id of then may be gone. */
const poolOf = (name: string): PoolRef | null => (name === '' ? null : { id: '', name });

function spanOf(span: BackedUpSpan | undefined, field: string): NumberRange {
  if (span === undefined || span.first < 1 || span.last < span.first)
    throw invalid([{ field, message: 'must have a first and a last number' }]);
  return { first: span.first, last: span.last };
}

function oneOf<T extends string>(text: string, known: readonly T[], field: string): T {
  const found = known.find((one) => one === text);
  if (found === undefined) throw invalid([{ field, message: `must be one of ${known.join(', ')}` }]);
  return found;
}

const protocols: readonly ForwardProtocol[] = ['tcp', 'udp', 'tcp_udp'];
const states = ['enabled', 'disabled', 'absent'] as const;

function toForward(message: BackedUpForward, at: string): Forward {
  const { external, ownRules, blockRule, form } = message;
  return {
    name: message.name,
    protocol: oneOf(message.protocol, protocols, `${at}.protocol`),
    state: oneOf(message.state, states, `${at}.state`),
    internal: spanOf(message.internal, `${at}.internal`),
    external: external ? spanOf(external, `${at}.external`) : null,
    externalCount: message.externalCount,
    fixedPort: message.fixedPort,
    blockRule: blockRule === 0 ? null : blockRule,
    ownRules: ownRules ? spanOf(ownRules, `${at}.own_rules`) : null,
    ofTemplate: message.ofTemplate,
    sources: message.sources,
    description: message.description,
    ...(form && {
      form: {
        inboundInterface: form.inboundInterface,
        destinationAddress: form.destinationAddress,
        keepsPort: form.keepsPort,
        extra: form.extra.map(toLeaf),
      },
    }),
  };
}

const toLeaf = ({ path, values }: ConfigLeaf): ConfigLeaf => ({ path, values });
