import { createHash } from 'node:crypto';
import {
  type AuditRecord,
  AuditRecordSchema,
  type Operation,
  OperationEndedSchema,
  OperationKind,
  OperationState,
  streams,
  subjects,
} from '@berth/contracts';
import type { Database } from '@berth/database';
import { DomainError } from '@berth/errors';
import { type Bus, consume } from '@berth/messaging';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { AuditEntry } from '../../../domain/audit/audit-chain.ts';
import { insertEntries } from '../../postgres/audit/audit-rows.ts';
import { knownActors } from '../../postgres/audit/known-actors.ts';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Makes entries of what gateways saw, of what other services changed, and of operations that ended. An entry's id is that of its message, so a
 * message that comes twice is one entry. `written` is told when there are new ones.
 */
export function consumeAudit(deps: { bus: Bus; database: Database; written: () => void }): () => Promise<void> {
  const keep = async (entries: readonly AuditEntry[]) => {
    await insertEntries(deps.database, entries);
    deps.written();
  };
  const requests = consume(deps, {
    stream: streams.audit,
    durable: 'auth-audit',
    schema: AuditRecordSchema,
    handle: (batch) => keep(batch.map(({ message }) => recordEntry(message))),
  });
  const operations = consume(deps, {
    stream: streams.events,
    filter: subjects.anyOperationEnded,
    durable: 'auth-audit-operations',
    schema: OperationEndedSchema,
    handle: async (batch) => {
      const ended = batch.flatMap(({ message }) => message.operation ?? []);
      const actorOf = await knownActors(
        deps.database,
        ended.map(({ principalId }) => principalId),
      );
      await keep(ended.map((operation) => operationEntry(operation, actorOf(operation.principalId))));
    },
  });
  return async () => {
    await Promise.all([requests.stop(), operations.stop()]);
  };
}

function recordEntry(record: AuditRecord): AuditEntry {
  if (!uuid.test(record.id) || record.at === undefined) throw malformed();
  const { id, kind, name } = record.principal ?? { id: '', kind: 'anonymous', name: '' };
  return {
    ...{ id: record.id, at: timestampDate(record.at).toISOString(), action: record.action, result: record.result },
    actor: { id, kind, name },
    resource: { type: record.resourceType, id: record.resourceId, name: record.resourceName },
    ...{ client_address: record.clientAddress, user_agent: record.userAgent },
    ...{ request_id: record.requestId, trace_id: record.traceId },
    ...{ before: jsonOf(record.beforeJson, null), after: jsonOf(record.afterJson, null) },
    details: jsonOf(record.detailsJson, {}),
  };
}

function jsonOf(text: string, otherwise: unknown): unknown {
  try {
    return text === '' ? otherwise : JSON.parse(text);
  } catch (error) {
    throw malformed(error);
  }
}

const malformed = (cause?: unknown) =>
  new DomainError('invalid', 'MALFORMED_MESSAGE', 'The audit record could not be read.', {}, { cause });

const endings: Partial<Record<OperationState, string>> = {
  [OperationState.SUCCEEDED]: 'succeeded',
  [OperationState.FAILED]: 'failed',
  [OperationState.CANCELLED]: 'cancelled',
};

/** An operation ends once, so its id names the entry. */
function operationEntry(operation: Operation, actor: AuditEntry['actor']): AuditEntry {
  const ending = endings[operation.state];
  if (ending === undefined || operation.updatedAt === undefined) throw malformed();
  const bulk = operation.kind === OperationKind.BULK;
  return {
    id: uuidOf(`operation-ended:${operation.id}`),
    at: timestampDate(operation.updatedAt).toISOString(),
    action: `operation.${ending}`,
    result: ending === 'failed' ? operation.error?.code || 'failed' : ending,
    actor,
    resource: bulk
      ? { type: 'bulk', id: operation.id, name: '' }
      : { type: 'vm', id: operation.vmName, name: operation.vmName },
    ...{ client_address: '', user_agent: '', request_id: '', trace_id: '' },
    ...{ before: null, after: null },
    details: {
      operation_id: operation.id,
      kind: OperationKind[operation.kind].toLowerCase(),
      router: operation.router,
      owner_group: operation.ownerGroup,
      ...(!bulk && { vm_id: operation.vmId }),
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
