import {
  type AbsentForwardSchema,
  ErrorSchema,
  type ForwardSchema,
  type ForwardTemplateSchema,
  OperationKind,
  type OperationSchema,
  OperationState,
  PortAction,
  Protocol,
  type VmSchema,
  VmState,
} from '@berth/contracts';
import { create, type JsonObject, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { OperationPlace } from '../../app/vms/read-vms.ts';
import type { PortAction as Action } from '../../domain/forwards/change-forwards.ts';
import { type Forward, type ForwardProtocol, ruleNumbersOf, stands } from '../../domain/forwards/forward.ts';
import type { ForwardTemplate } from '../../domain/forwards/forward-template.ts';
import type { Operation } from '../../domain/operations/operation.ts';
import type { Vm } from '../../domain/vms/vm.ts';

const protocols: Record<ForwardProtocol, Protocol> = {
  tcp: Protocol.TCP,
  udp: Protocol.UDP,
  tcp_udp: Protocol.TCP_UDP,
};

const vmStates: Record<Vm['state'], VmState> = {
  provisioning: VmState.PROVISIONING,
  active: VmState.ACTIVE,
  removing: VmState.REMOVING,
  failed: VmState.REMOVING, // tombstones are not shown; an operation's result may hold one
  removed: VmState.REMOVING,
};

const kinds: Record<Operation['kind'], OperationKind> = {
  'provision-vm': OperationKind.PROVISION_VM,
  'adopt-vm': OperationKind.ADOPT_VM,
  'restore-vm': OperationKind.RESTORE_VM,
  'change-ports': OperationKind.CHANGE_PORTS,
  'change-forwards': OperationKind.CHANGE_FORWARDS,
  'update-vm': OperationKind.UPDATE_VM,
  'decommission-vm': OperationKind.DECOMMISSION_VM,
};

const states: Record<Operation['state'], OperationState> = {
  pending: OperationState.PENDING,
  running: OperationState.RUNNING,
  succeeded: OperationState.SUCCEEDED,
  failed: OperationState.FAILED,
  cancelled: OperationState.CANCELLED,
};

const actions: Record<Action, PortAction> = {
  create: PortAction.CREATE,
  delete: PortAction.DELETE,
  pause: PortAction.PAUSE,
  enable: PortAction.ENABLE,
  disable: PortAction.DISABLE,
};

export function toForwardMessage(forward: Forward): MessageInitShape<typeof ForwardSchema> {
  const numbers = ruleNumbersOf(forward);
  return {
    name: forward.name,
    protocol: protocols[forward.protocol],
    internalPort: forward.internal.first,
    internalPortEnd: forward.internal.last,
    externalPort: forward.external?.first ?? 0,
    externalPortEnd: forward.external?.last ?? 0,
    natRuleNumber: numbers[0] ?? 0,
    natRuleNumbers: numbers,
    enabled: forward.state === 'enabled',
    source: forward.sources[0] ?? '',
    sources: [...forward.sources],
    description: forward.description,
  };
}

const toAbsentMessage = (forward: Forward): MessageInitShape<typeof AbsentForwardSchema> => ({
  name: forward.name,
  protocol: protocols[forward.protocol],
  natRuleNumber: ruleNumbersOf(forward)[0] ?? 0,
});

/** A VM as others see it: the forwards that the router has confirmed. */
export const toVmMessage = (vm: Vm): MessageInitShape<typeof VmSchema> => ({
  id: vm.id,
  name: vm.name,
  macAddress: vm.macAddress,
  hostname: vm.hostname,
  router: vm.router,
  internalIp: vm.internalIp,
  externalIp: vm.site.externalIp,
  natRuleBase: vm.rules.first,
  ...(vm.metadata && { metadata: vm.metadata as JsonObject }), // it came out of a JSON object, through jsonb
  ownerGroup: vm.ownerGroup,
  state: vmStates[vm.state],
  forwards: vm.forwards.filter(stands).map(toForwardMessage),
  absentForwards: vm.forwards.filter((forward) => !stands(forward)).map(toAbsentMessage),
  changing: vm.unsettled,
  createdAt: timestampFromDate(vm.createdAt),
  updatedAt: timestampFromDate(vm.updatedAt),
  version: BigInt(vm.version),
  ipPool: vm.ipPool?.name ?? '',
  portPool: vm.portPool?.name ?? '',
  rulePool: vm.rulePool?.name ?? '',
});

export const toOperationMessage = (
  operation: Operation,
  place?: OperationPlace,
): MessageInitShape<typeof OperationSchema> => ({
  id: operation.id,
  kind: kinds[operation.kind],
  state: states[operation.state],
  vmId: operation.vmId,
  vmName: operation.vmName,
  ...(operation.result && { vm: toVmMessage(operation.result) }),
  ...(operation.error && {
    error: create(ErrorSchema, { ...operation.error, fields: operation.error.fields.map((field) => ({ ...field })) }),
  }),
  createdAt: timestampFromDate(operation.createdAt),
  updatedAt: timestampFromDate(operation.updatedAt),
  portNames: [...operation.portNames],
  ...(operation.portAction && { portAction: actions[operation.portAction] }),
  principalId: operation.principalId,
  ownerGroup: operation.ownerGroup,
  bulkId: operation.bulk?.id ?? '',
  router: operation.router,
  ...(operation.sentAt && { sentAt: timestampFromDate(operation.sentAt) }),
  ...(place &&
    operation.revision > 0 && {
      revision: { incarnation: BigInt(place.incarnation), number: BigInt(operation.revision) },
    }),
  waitingBehind: operation.state === 'pending' ? (place?.behind ?? 0) : 0,
  cancelling: operation.cancelAsked && operation.state === 'running',
});

export const toTemplateMessage = (template: ForwardTemplate): MessageInitShape<typeof ForwardTemplateSchema> => ({
  forwards: template.forwards.map((forward) => ({
    ...forward,
    protocol: protocols[forward.protocol],
    sources: [...forward.sources],
  })),
  version: BigInt(template.version),
});
