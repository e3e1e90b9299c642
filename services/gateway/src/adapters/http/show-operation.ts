import { fromErrorMessage, type Operation, OperationKind, OperationState, PortAction, type Vm } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';
import type { OperationDocument } from './documents/operation.ts';
import type { ChangedPorts } from './documents/ports.ts';
import type { DecommissionedVm, ProvisionedVm } from './documents/vm.ts';
import { problemOf } from './problem-reply.ts';
import { forwardOf, showForward } from './show-ports.ts';

const states: Record<OperationState, OperationDocument['state']> = {
  [OperationState.UNSPECIFIED]: 'pending',
  [OperationState.PENDING]: 'pending',
  [OperationState.RUNNING]: 'running',
  [OperationState.SUCCEEDED]: 'succeeded',
  [OperationState.FAILED]: 'failed',
  [OperationState.CANCELLED]: 'cancelled',
};

const actions: Record<PortAction, string> = {
  [PortAction.UNSPECIFIED]: 'unknown',
  [PortAction.CREATE]: 'create',
  [PortAction.DELETE]: 'delete',
  [PortAction.PAUSE]: 'pause',
  [PortAction.ENABLE]: 'enable',
  [PortAction.DISABLE]: 'disable',
};

/** An operation as it stands. `traceId` is that of the request that asks for it. */
export function showOperation(operation: Operation, traceId: string): OperationDocument {
  const failure = failureOf(operation);
  const instance = `/v1/operations/${operation.id}`;
  return {
    id: operation.id,
    kind: kindOf(operation),
    state: states[operation.state],
    resource: { type: 'vm', id: operation.vmId, name: operation.vmName },
    result: operation.state === OperationState.SUCCEEDED ? showResult(operation) : null,
    error: failure === undefined ? null : problemOf(failure, { instance, traceId }),
    created_at: showTime(operation.createdAt),
    updated_at: showTime(operation.updatedAt),
  };
}

/** Why an operation did not do what was asked; `undefined` while it may, or when it did. */
export function failureOf(operation: Operation): DomainError | undefined {
  if (operation.state === OperationState.CANCELLED) {
    return new DomainError('conflict', 'OPERATION_CANCELLED', 'The operation was cancelled before it was carried out.');
  }
  if (operation.state !== OperationState.FAILED) return undefined;
  if (operation.error === undefined)
    return new DomainError('bug', 'INTERNAL', 'The operation failed without a reason.');
  return fromErrorMessage(operation.error);
}

function kindOf({ kind }: Operation): OperationDocument['kind'] {
  if (kind === OperationKind.CHANGE_PORTS) return 'change_ports';
  return kind === OperationKind.DECOMMISSION_VM ? 'decommission_vm' : 'provision_vm';
}

function showResult(operation: Operation): Record<string, unknown> {
  if (operation.kind === OperationKind.CHANGE_PORTS) return showChangedPorts(operation);
  return operation.kind === OperationKind.DECOMMISSION_VM
    ? showDecommissionedVm(operation)
    : showProvisionedVm(operation);
}

/** The VM that was provisioned. */
export function showProvisionedVm(operation: Operation): ProvisionedVm {
  const vm = vmOf(operation);
  return {
    status: 'success',
    vm_id: vm.id,
    machine_id: vm.name,
    vm_name: vm.name,
    mac_address: vm.macAddress,
    internal_ip: vm.internalIp,
    external_ip: vm.externalIp,
    external_ports: Object.fromEntries(vm.forwards.map((forward) => [forward.name, forward.externalPort])),
    nat_rule_base: vm.natRuleBase === 0 ? null : vm.natRuleBase,
    metadata: vm.metadata ?? {},
    operation_id: operation.id,
  };
}

/** The forwards that the request named, as they stand now. */
export function showChangedPorts(operation: Operation): ChangedPorts {
  const vm = vmOf(operation);
  return {
    status: 'success',
    machine_id: vm.name,
    action: actions[operation.portAction],
    ports: Object.fromEntries(operation.portNames.map((name) => [name, showForward(forwardOf(vm, name))])),
  };
}

export const showDecommissionedVm = (operation: Operation): DecommissionedVm => ({
  status: 'success',
  message: `VM ${operation.vmName} is decommissioned.`,
});

/** The VM as a successful operation left it. */
export function vmOf(operation: Operation): Vm {
  if (operation.vm === undefined) throw new DomainError('bug', 'INTERNAL', 'The operation came without its VM.');
  return operation.vm;
}

const showTime = (time: Timestamp | undefined): string => (time ? timestampDate(time) : new Date(0)).toISOString();
