import { createHash } from 'node:crypto';
import { type OperationEnded, OperationKind, OperationState, traceOfRequest } from '@berth/contracts';
import type { Received } from '@berth/messaging';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { AuditEntry } from '../../../domain/audit/audit-chain.ts';
import { vmChange } from './audited-vm.ts';
import { malformed } from './malformed.ts';

const endings: Partial<Record<OperationState, string>> = {
  [OperationState.SUCCEEDED]: 'succeeded',
  [OperationState.FAILED]: 'failed',
  [OperationState.CANCELLED]: 'cancelled',
};

/** How an operation ended, and what became of its VM. It ends once, so its id names the entry. Throws `invalid` when it has not ended. */
export function operationEntry(
  { message: { operation, before }, header }: Received<OperationEnded>,
  actorOf: (principalId: string) => AuditEntry['actor'],
): AuditEntry {
  const ending = operation && endings[operation.state];
  if (ending === undefined || operation?.updatedAt === undefined) throw malformed();
  const requestId = header('Berth-Request-Id') ?? '';
  const isBulk = operation.kind === OperationKind.BULK;
  const isRemoval = operation.kind === OperationKind.DECOMMISSION_VM;
  return {
    id: uuidOf(`operation-ended:${operation.id}`),
    at: timestampDate(operation.updatedAt).toISOString(),
    action: `operation.${ending}`,
    result: ending === 'failed' ? operation.error?.code || 'failed' : ending,
    actor: actorOf(operation.principalId),
    resource: isBulk
      ? { type: 'bulk', id: operation.id, name: '' }
      : { type: 'vm', id: operation.vmName, name: operation.vmName },
    ...{ client_address: '', user_agent: '' }, // they are in the entry of the request
    request_id: requestId,
    trace_id: header('traceparent')?.split('-')[1] ?? traceOfRequest(requestId),
    ...vmChange(before, isRemoval ? undefined : operation.vm),
    details: {
      operation_id: operation.id,
      kind: OperationKind[operation.kind].toLowerCase(),
      router: operation.router,
      owner_group: operation.ownerGroup,
      ...(!isBulk && { vm_id: operation.vmId }),
      ...(operation.bulkId !== '' && { bulk_id: operation.bulkId }),
      ...(operation.error && { reason: operation.error.message }),
    },
  };
}

/** The same UUID for the same text. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
