import { randomUUID } from 'node:crypto';
import { traceOfRequest, typeOfAction } from '@berth/contracts';
import type { Sql } from '@berth/database';
import { safeForAudit, safeTextForAudit } from '@berth/service-kit';
import { trace } from '@opentelemetry/api';
import type { Asker } from '../../../app/asker.ts';
import type { NewAuditEntry } from '../../../app/auth-transaction.ts';
import type { AuditEntry } from '../../../domain/audit/audit-chain.ts';

/** Of each of what was before, what is after, and the details. */
const mostBytes = 8_192;
const longestText = 400;

/** Adds entries to the audit log, in the transaction that they tell of. */
export async function writeAudit(sql: Sql, asker: Asker, at: Date, entries: readonly NewAuditEntry[]): Promise<void> {
  const traceId = trace.getActiveSpan()?.spanContext().traceId ?? traceOfRequest(asker.requestId);
  await insertEntries(
    sql,
    entries.map(({ action, result = 'succeeded', resource, before, after, details, actor }) => {
      const { id, kind, name } = actor ?? asker.principal ?? withoutName(asker);
      return {
        ...{ id: randomUUID(), at: at.toISOString(), action, result, actor: { id, kind, name } },
        resource: { type: typeOfAction(action), id: resource.id, name: resource.name ?? '' },
        ...{ client_address: asker.clientAddress, user_agent: asker.userAgent },
        ...{ request_id: asker.requestId, trace_id: traceId },
        ...{ before: before ?? null, after: after ?? null, details: details ?? {} },
      };
    }),
  );
}

/** Whoever reaches an open route comes from somewhere. */
const withoutName = ({ clientAddress }: Asker): AuditEntry['actor'] =>
  clientAddress === '' ? { id: '', kind: 'service', name: 'berth' } : { id: '', kind: 'anonymous', name: '' };

/** Adds entries, without what must not stand in them. Those that are there already (by their ids) stay as they are. */
export async function insertEntries(sql: Sql, entries: readonly AuditEntry[]): Promise<void> {
  if (entries.length === 0) return;
  await sql.execute(
    `INSERT INTO audit_entries (id, at, action, result, actor_id, actor_kind, actor_name, resource_type, resource_id, resource_name,
       client_address, user_agent, request_id, trace_id, before, after, details)
     SELECT id, at, action, result, actor_id, actor_kind, actor_name, resource_type, resource_id, resource_name,
       client_address, user_agent, request_id, trace_id, nullif(before, 'null'::jsonb), nullif(after, 'null'::jsonb), details
     FROM jsonb_to_recordset($1::jsonb) AS e (id uuid, at timestamptz, action text, result text, actor_id text, actor_kind text, actor_name text,
       resource_type text, resource_id text, resource_name text, client_address text, user_agent text, request_id text, trace_id text,
       before jsonb, after jsonb, details jsonb)
     ON CONFLICT (id) DO NOTHING`,
    [JSON.stringify(entries.map(rowOf))],
  );
}

function rowOf(entry: AuditEntry): object {
  const { actor, resource } = entry;
  const texts = {
    ...{ action: entry.action, result: entry.result, client_address: entry.client_address },
    ...{ user_agent: entry.user_agent, request_id: entry.request_id, trace_id: entry.trace_id },
    ...{ actor_id: actor.id, actor_kind: actor.kind, actor_name: actor.name },
    ...{ resource_type: resource.type, resource_id: resource.id, resource_name: resource.name },
  };
  const safe = Object.entries(texts).map(([name, text]) => [name, safeTextForAudit(text, longestText)]);
  return {
    ...{ id: entry.id, at: entry.at, ...Object.fromEntries(safe), ...publicId(resource) },
    before: safeForAudit(entry.before, mostBytes),
    after: safeForAudit(entry.after, mostBytes),
    details: safeForAudit(entry.details, mostBytes),
  };
}

/** The id of a signing key is random by its shape and public: everybody's key set has it. Without it nobody could say which key was removed. */
const publicId = ({ type, id }: AuditEntry['resource']) =>
  type === 'signing_key' && /^[\w-]{43}$/.test(id) ? { resource_id: id } : {};
