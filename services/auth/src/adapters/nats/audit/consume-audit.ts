import { type AuditRecord, AuditRecordSchema, OperationEndedSchema, streams, subjects } from '@berth/contracts';
import type { Database } from '@berth/database';
import { type Bus, consume } from '@berth/messaging';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { AuditEntry } from '../../../domain/audit/audit-chain.ts';
import { insertEntries } from '../../postgres/audit/audit-rows.ts';
import { knownActors } from '../../postgres/audit/known-actors.ts';
import { malformed } from './malformed.ts';
import { operationEntry } from './operation-entry.ts';

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
      const actorOf = await knownActors(
        deps.database,
        batch.flatMap(({ message }) => message.operation?.principalId ?? []),
      );
      await keep(batch.map((ended) => operationEntry(ended, actorOf)));
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
