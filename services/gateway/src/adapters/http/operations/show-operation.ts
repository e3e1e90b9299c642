import {
  type ChangePlace,
  type Forward,
  fromErrorMessage,
  type Operation,
  OperationKind,
  OperationState,
  PortAction,
} from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { withFieldsAsked } from '../forwards/forward-field.ts';
import type { ChangedPorts } from '../forwards/port-schemas.ts';
import { showChangedForwards, showForward } from '../forwards/show-forwards.ts';
import { forwardOf, showPortState } from '../forwards/show-ports.ts';
import { problemOf } from '../requests/problem-reply.ts';
import { showTime } from '../show-time.ts';
import { showVm } from '../vms/show-vm.ts';
import type { DecommissionedVm, ProvisionedVm } from '../vms/vm-schemas.ts';
import type { OperationDocument } from './operation-schemas.ts';
import { vmOf } from './operation-vm.ts';
import { showProgress } from './show-stages.ts';

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

/** What each kind is called, and what its success is answered with. */
const kinds: Record<OperationKind, { kind: OperationDocument['kind']; show: (operation: Operation) => object }> = {
  [OperationKind.UNSPECIFIED]: { kind: 'provision_vm', show: showProvisionedVm },
  [OperationKind.PROVISION_VM]: { kind: 'provision_vm', show: showProvisionedVm },
  [OperationKind.ADOPT_VM]: { kind: 'adopt_vm', show: showProvisionedVm },
  [OperationKind.RESTORE_VM]: { kind: 'restore_vm', show: showProvisionedVm },
  [OperationKind.CHANGE_PORTS]: { kind: 'change_ports', show: showChangedPorts },
  [OperationKind.DECOMMISSION_VM]: { kind: 'decommission_vm', show: showDecommissionedVm },
  [OperationKind.CHANGE_FORWARDS]: { kind: 'change_forwards', show: showChangedForwards },
  [OperationKind.BULK]: { kind: 'bulk', show: ({ id }) => ({ items: `/v1/bulks/${id}/items` }) },
  [OperationKind.UPDATE_VM]: { kind: 'update_vm', show: (operation) => showVm(vmOf(operation)) },
};

/** What an operation's success is answered with, by what it did. */
export const showResult = (operation: Operation): object => kinds[operation.kind].show(operation);

/** An operation as it stands. `traceId` is that of the request that asks for it; `place`: where it stands in its router's queue, if known. */
export function showOperation(operation: Operation, traceId: string, place?: ChangePlace): OperationDocument {
  const isCancelled = operation.state === OperationState.CANCELLED;
  const failure = isCancelled ? undefined : failureOf(operation);
  const { kind, show } = kinds[operation.kind];
  const instance = `/v1/operations/${operation.id}`;
  return {
    id: operation.id,
    kind,
    state: states[operation.state],
    resource:
      kind === 'bulk'
        ? { type: 'bulk', id: operation.id, name: '' }
        : { type: 'vm', id: operation.vmId, name: operation.vmName },
    result: operation.state === OperationState.SUCCEEDED ? { ...show(operation) } : null,
    error: failure === undefined ? null : problemOf(withFieldsAsked(failure), { instance, traceId }),
    reason: isCancelled ? cancelledReason(kind) : null,
    ...showProgress(operation, place),
    cancelling: operation.cancelling,
    created_at: showTime(operation.createdAt),
    updated_at: showTime(operation.updatedAt),
  };
}

const cancelledReason = (kind: OperationDocument['kind']): string =>
  kind === 'bulk'
    ? 'It was cancelled: what no commit on the router had begun with was not done.'
    : 'It was cancelled before a commit on the router had begun with it: nothing of it was done.';

/** An operation in a list, which asks nobody where operations stand in their routers' queues. */
export function showListedOperation(
  operation: Operation,
  traceId: string,
): Omit<OperationDocument, 'position' | 'eta_seconds'> {
  const { position: _, eta_seconds: __, ...listed } = showOperation(operation, traceId);
  return listed;
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

/** The VM that was provisioned, adopted or restored. */
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
    external_ports: Object.fromEntries(
      vm.forwards.filter(hasOnePort).map(({ name, externalPort }) => [name, externalPort]),
    ),
    forwards: vm.forwards.map(showForward),
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
    ports: Object.fromEntries(operation.portNames.map((name) => [name, showPortState(forwardOf(vm, name))])),
  };
}

export function showDecommissionedVm(operation: Operation): DecommissionedVm {
  return { status: 'success', message: `VM ${operation.vmName} is decommissioned.` };
}

const hasOnePort = ({ externalPort, externalPortEnd }: Forward): boolean => externalPortEnd <= externalPort;
