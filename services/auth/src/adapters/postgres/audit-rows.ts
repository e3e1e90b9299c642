import { randomUUID } from 'node:crypto';
import type { Sql } from '@berth/database';
import { trace } from '@opentelemetry/api';
import type { Asker } from '../../app/asker.ts';
import type { NewAuditEntry } from '../../app/auth-transaction.ts';

const jsonOf = (value: object | undefined): string | null => (value === undefined ? null : JSON.stringify(value));

/** Adds entries to the audit log, in the transaction that they tell of. */
export async function writeAudit(sql: Sql, asker: Asker, at: Date, entries: readonly NewAuditEntry[]): Promise<void> {
  for (const { action, result = 'succeeded', resource, before, after, details, actor } of entries) {
    const { id, kind, name } = actor ?? asker.principal ?? { id: '', kind: 'service', name: 'berth' };
    await sql.execute(
      `INSERT INTO audit_entries (id, at, action, result, actor_id, actor_kind, actor_name, resource_type, resource_id, resource_name,
         client_address, user_agent, request_id, trace_id, before, after, details)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
      [
        ...[randomUUID(), at, action, result, id, kind, name, resource.type, resource.id, resource.name ?? ''],
        ...[asker.clientAddress, asker.userAgent, asker.requestId, trace.getActiveSpan()?.spanContext().traceId ?? ''],
        ...[jsonOf(before), jsonOf(after), JSON.stringify(details ?? {})],
      ],
    );
  }
}
