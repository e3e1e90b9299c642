import { setTimeout as pause } from 'node:timers/promises';
import {
  OperationKind as KindOnWire,
  type ListOperationsRequest,
  OperationSchema,
  OperationState as StateOnWire,
  VmService,
} from '@berth/contracts';
import { type Bus, serve } from '@berth/messaging';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { findBulk } from '../../../app/bulk/bulk-read.ts';
import { type CancelBulkDeps, cancelBulk } from '../../../app/bulk/cancel-bulk.ts';
import { cancelOperation } from '../../../app/operations/cancel-operation.ts';
import { listOperations, type OperationFilter, type OperationList } from '../../../app/operations/list-operations.ts';
import { getOperation } from '../../../app/vms/read-vms.ts';
import { invalid } from '../../../domain/check-fields.ts';
import type { Operation, OperationKind, OperationState } from '../../../domain/operations/operation.ts';
import { fitting } from '../../fitting.ts';
import { toBulkOperationMessage } from '../bulk/bulk-messages.ts';
import { permittedCaller } from '../to-commands.ts';
import { toOperationMessage } from '../to-messages.ts';
import { withdrawOver } from './withdraw-changes.ts';

export type OperationServiceDeps = Omit<CancelBulkDeps, 'withdraw' | 'pause'> & { readonly operations: OperationList };

/** Answers VmService's methods about operations over NATS. Gives back its stop. */
export function serveOperations(bus: Bus, given: OperationServiceDeps): () => Promise<void> {
  const deps = { ...given, withdraw: withdrawOver(bus), pause: (ms: number) => pause(ms) };
  const { reader } = deps;
  const stops = [
    serve(bus, VmService.method.getOperation, async ({ principal, operationId }) => {
      const caller = permittedCaller(principal, 'operations:read');
      const bulk = await findBulk(deps, caller, operationId);
      if (bulk) return { operation: toBulkOperationMessage(bulk) };
      const operation = await getOperation(deps, caller, operationId);
      return { operation: toOperationMessage(operation, await reader.placeOf(operation)) };
    }),
    serve(bus, VmService.method.listOperations, async (message) => {
      const caller = permittedCaller(message.principal, 'operations:read');
      const asked = { size: message.pageSize, token: message.pageToken, filter: toFilter(message) };
      const { operations, nextToken } = await listOperations({ list: deps.operations, fitting: fits }, caller, asked);
      return { operations: operations.map((one) => toOperationMessage(one)), nextPageToken: nextToken };
    }),
    serve(bus, VmService.method.cancelOperation, async ({ principal, operationId }) => {
      const caller = permittedCaller(principal, 'vms:write');
      const bulk = await findBulk(deps, caller, operationId);
      if (bulk) return { operation: toBulkOperationMessage(await cancelBulk(deps, caller, bulk.id)) };
      return { operation: toOperationMessage(await cancelOperation(deps, caller, operationId)) };
    }),
  ];
  return async () => void (await Promise.all(stops.map((stop) => stop())));
}

const fits = (operations: readonly Operation[]): number =>
  fitting(
    OperationSchema,
    operations.map((one) => toOperationMessage(one)),
  );

const states: Partial<Record<StateOnWire, OperationState>> = {
  [StateOnWire.PENDING]: 'pending',
  [StateOnWire.RUNNING]: 'running',
  [StateOnWire.SUCCEEDED]: 'succeeded',
  [StateOnWire.FAILED]: 'failed',
  [StateOnWire.CANCELLED]: 'cancelled',
};

const kinds: Partial<Record<KindOnWire, OperationKind>> = {
  [KindOnWire.PROVISION_VM]: 'provision-vm',
  [KindOnWire.CHANGE_PORTS]: 'change-ports',
  [KindOnWire.CHANGE_FORWARDS]: 'change-forwards',
  [KindOnWire.UPDATE_VM]: 'update-vm',
  [KindOnWire.DECOMMISSION_VM]: 'decommission-vm',
  [KindOnWire.ADOPT_VM]: 'adopt-vm',
};

const longestName = 255;

function toFilter({ filter }: ListOperationsRequest): OperationFilter {
  const machineId = filter?.machineId ?? '';
  if (machineId.length > longestName || machineId.includes('\u0000')) {
    throw invalid([{ field: 'vm', message: `at most ${longestName} characters, no U+0000` }]);
  }
  return {
    states: (filter?.states ?? []).map((state) => states[state] ?? wrong('state')),
    kinds: (filter?.kinds ?? []).map((kind) => kinds[kind] ?? wrong('kind')),
    machineId,
    since: filter?.since && timestampDate(filter.since),
  };
}

function wrong(field: string): never {
  throw invalid([{ field, message: 'is none that operations have' }]);
}
