import {
  type Bulk,
  type BulkItemResult,
  BulkMode,
  type ErrorMessage,
  fromErrorMessage,
  type Operation,
  OperationKind,
  OperationState,
} from '@berth/contracts';
import type { DomainError } from '@berth/errors';
import { withFieldsAsked } from '../forwards/forward-field.ts';
import { failureOf, showProvisionedVm } from '../operations/show-operation.ts';
import { problemOf } from '../requests/problem-reply.ts';
import { showTime } from '../show-time.ts';
import type { BulkDocument, BulkItemDocument } from './bulk-schemas.ts';

const endings: Partial<Record<OperationState, 'succeeded' | 'failed'>> = {
  [OperationState.SUCCEEDED]: 'succeeded',
  [OperationState.FAILED]: 'failed',
  [OperationState.CANCELLED]: 'failed',
};
const stateOf = (state: OperationState): BulkDocument['state'] =>
  state === OperationState.CANCELLED ? 'cancelled' : (endings[state] ?? 'running');
const modeOf = (mode: BulkMode): BulkDocument['mode'] => (mode === BulkMode.ATOMIC ? 'atomic' : 'best_effort');

const pathOf = (bulkId: string): string => `/v1/bulks/${bulkId}`;
const problem = (error: ErrorMessage, bulkId: string, traceId: string) =>
  problemAt(fromErrorMessage(error), bulkId, traceId);
const problemAt = (error: DomainError, bulkId: string, traceId: string) =>
  problemOf(withFieldsAsked(error), { instance: pathOf(bulkId), traceId });

/** What there is to say of a bulk in few words. */
export const summaryOf = (bulk: Bulk) => ({
  id: bulk.id,
  state: stateOf(bulk.state),
  mode: modeOf(bulk.mode),
  total: bulk.items,
  succeeded: bulk.succeeded,
  failed: bulk.failed,
});

export const showBulk = (bulk: Bulk, traceId: string): BulkDocument => ({
  ...summaryOf(bulk),
  error: bulk.error ? problem(bulk.error, bulk.id, traceId) : null,
  created_at: showTime(bulk.createdAt),
  updated_at: showTime(bulk.updatedAt),
});

const made: ReadonlySet<OperationKind> = new Set([
  OperationKind.PROVISION_VM,
  OperationKind.ADOPT_VM,
  OperationKind.RESTORE_VM,
]);

/** What became of an item. What it was refused or taken back for counts, whatever became of its operation. */
export function showItem(item: BulkItemResult, bulkId: string, traceId: string): BulkItemDocument {
  const { operation, error } = item;
  const failure = error ? fromErrorMessage(error) : operation && failureOf(operation);
  const provisioned = operation && made.has(operation.kind) && operation.state === OperationState.SUCCEEDED;
  return {
    index: item.index,
    machine_id: item.machineId || null,
    status: failure ? 'failed' : operation ? statusOf(operation) : 'pending',
    vm: provisioned && !failure ? showProvisionedVm(operation) : null,
    operation_id: operation?.id ?? null,
    problem: failure ? problemAt(failure, bulkId, traceId) : null,
  };
}

const statusOf = ({ state }: Operation): BulkItemDocument['status'] =>
  state === OperationState.PENDING ? 'pending' : (endings[state] ?? 'running');
