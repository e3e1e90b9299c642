import {
  type BulkItem,
  BulkMode,
  type BulkSchema,
  CommandContextSchema,
  DecommissionVmRequestSchema,
  ErrorSchema,
  fromErrorMessage,
  OperationEndedSchema,
  OperationKind,
  OperationSchema,
  OperationState,
  ProvisionVmRequestSchema,
  streams,
  subjects,
} from '@berth/contracts';
import { DomainError, toDomainError, type WireError } from '@berth/errors';
import { eventMessage, type OutgoingMessage } from '@berth/messaging';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { BulkItemResult, ReadItem, StagedItem } from '../../../app/bulk/bulk-ports.ts';
import type { Command } from '../../../app/commands.ts';
import { askerOf, type Bulk, failureOfBulk, itemIds, type BulkMode as Mode } from '../../../domain/bulk/bulk.ts';
import { readAdoption } from '../adoption/adoption-messages.ts';
import { readContext, toDecommissionCommand, toPrincipal, toProvisionCommand } from '../to-commands.ts';
import { toOperationMessage } from '../to-messages.ts';

const states: Record<Bulk['state'], OperationState> = {
  staged: OperationState.UNSPECIFIED, // not shown to anybody
  running: OperationState.RUNNING,
  succeeded: OperationState.SUCCEEDED,
  failed: OperationState.FAILED,
  cancelled: OperationState.CANCELLED,
};

const modes: Record<Mode, BulkMode> = { 'best-effort': BulkMode.BEST_EFFORT, atomic: BulkMode.ATOMIC };

/** A bulk is never too late once it is accepted. (The last second that a Timestamp can say.) */
const noDeadline = timestampFromDate(new Date('9999-12-31T23:59:59Z'));

/** The mode of a message; undefined when it names none. */
export const modeOf = (mode: BulkMode): Mode | undefined =>
  mode === BulkMode.ATOMIC ? 'atomic' : mode === BulkMode.BEST_EFFORT ? 'best-effort' : undefined;

const toError = (error: WireError) =>
  create(ErrorSchema, { ...error, fields: error.fields.map((field) => ({ ...field })) });

export function toBulkMessage(bulk: Bulk): MessageInitShape<typeof BulkSchema> {
  const failure = failureOfBulk(bulk);
  return {
    id: bulk.id,
    state: states[bulk.state],
    mode: modes[bulk.mode],
    items: bulk.items,
    succeeded: bulk.succeeded,
    failed: bulk.failed,
    createdAt: timestampFromDate(bulk.createdAt),
    updatedAt: timestampFromDate(bulk.updatedAt),
    principalId: bulk.principalId,
    ...(failure && { error: toError(failure) }),
  };
}

/** The bulk as an operation: so that whoever waits for operations can wait for it too. */
export function toBulkOperationMessage(bulk: Bulk): MessageInitShape<typeof OperationSchema> {
  const failure = failureOfBulk(bulk);
  return {
    id: bulk.id,
    kind: OperationKind.BULK,
    state: states[bulk.state],
    createdAt: timestampFromDate(bulk.createdAt),
    updatedAt: timestampFromDate(bulk.updatedAt),
    principalId: bulk.principalId,
    ownerGroup: bulk.principalGroup,
    bulkId: bulk.id,
    cancelling: bulk.cancelled && bulk.state === 'running',
    items: bulk.items,
    itemsEnded: bulk.succeeded + bulk.failed,
    ...(failure && { error: toError(failure) }),
  };
}

/** The public event of a bulk's end. */
export function bulkEndedMessage(bulk: Bulk): OutgoingMessage {
  const event = {
    stream: streams.events,
    subject: subjects.operationEnded(bulk.id),
    type: 'berth.operation.ended',
    source: 'berth/allocator',
    about: bulk.id,
  };
  const message = eventMessage(event, OperationEndedSchema, { operation: toBulkOperationMessage(bulk) });
  const { traceparent, requestId } = bulk;
  return {
    ...message,
    headers: { ...message.headers, ...(traceparent && { traceparent }), 'Berth-Request-Id': requestId },
  };
}

export const toItemResult = ({ index, machineId, operation, error }: BulkItemResult) => ({
  index,
  machineId,
  ...(operation && { operation: create(OperationSchema, toOperationMessage(operation)) }),
  ...(error && { error: toError(error) }),
});

/** An item as it is kept. */
export function toStagedItem({ item }: BulkItem): StagedItem {
  switch (item.case) {
    case 'provision':
      return {
        kind: 'provision',
        machineId: item.value.vmName,
        payload: toBinary(ProvisionVmRequestSchema, item.value),
      };
    case 'decommission':
      return {
        kind: 'decommission',
        machineId: item.value.machineId,
        payload: toBinary(DecommissionVmRequestSchema, item.value),
      };
    case 'refused':
      return { kind: 'refused', machineId: '', payload: toBinary(ErrorSchema, item.value) };
    default:
      throw new DomainError('invalid', 'MALFORMED_COMMAND', 'An item of the bulk says nothing.');
  }
}

/** Reads items as the single commands read their messages, with the bulk's caller. */
export const itemReader =
  (defaultRouter: string): ReadItem =>
  (bulk, index, item) => {
    try {
      return readItem(bulk, index, item, defaultRouter);
    } catch (error) {
      return toDomainError(error);
    }
  };

function readItem(bulk: Bulk, index: number, { kind, payload }: StagedItem, defaultRouter: string) {
  if (kind === 'refused') return fromErrorMessage(fromBinary(ErrorSchema, payload));
  const { operationId, vmId } = itemIds(bulk.id, index);
  const context = create(CommandContextSchema, {
    operationId,
    deadline: noDeadline,
    principal: toPrincipal(askerOf(bulk)),
    requestId: bulk.requestId,
    mayWait: bulk.mayWait,
  });
  let command: Command;
  if (kind === 'adopt') {
    command = { ...readContext(context, bulk.traceparent), ...readAdoption(payload), kind: 'adopt-vm', vmId };
  } else if (kind === 'provision') {
    const asked = fromBinary(ProvisionVmRequestSchema, payload);
    const message = create(ProvisionVmRequestSchema, { ...asked, context, vmId });
    command = toProvisionCommand(message, bulk.traceparent, defaultRouter);
  } else {
    const { machineId } = fromBinary(DecommissionVmRequestSchema, payload);
    command = toDecommissionCommand(create(DecommissionVmRequestSchema, { context, machineId }), bulk.traceparent);
  }
  return { ...command, bulk: { id: bulk.id, index } };
}
