import type { AuditEntry } from '../../../domain/audit/audit-chain.ts';

/** An entry as a statement gives it. */
export interface EntryRow {
  readonly id: string;
  readonly arrival: string;
  readonly seq: string | null;
  readonly at: string;
  readonly action: string;
  readonly result: string;
  readonly actor_id: string;
  readonly actor_kind: string;
  readonly actor_name: string;
  readonly resource_type: string;
  readonly resource_id: string;
  readonly resource_name: string;
  readonly client_address: string;
  readonly user_agent: string;
  readonly request_id: string;
  readonly trace_id: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly details: unknown;
  readonly previous_hash: Buffer | null;
  readonly hash: Buffer | null;
}

/** What EntryRow needs. */
export const entryColumns = `id, arrival, seq, at, action, result, actor_id, actor_kind, actor_name, resource_type, resource_id, resource_name,
  client_address, user_agent, request_id, trace_id, before, after, details, previous_hash, hash`;

/** The entry of a row. The same row always gives the same entry: its hash is made of this. */
export const entryOf = (row: EntryRow): AuditEntry => ({
  id: row.id,
  at: new Date(row.at).toISOString(),
  action: row.action,
  result: row.result,
  actor: { id: row.actor_id, kind: row.actor_kind, name: row.actor_name },
  resource: { type: row.resource_type, id: row.resource_id, name: row.resource_name },
  client_address: row.client_address,
  user_agent: row.user_agent,
  request_id: row.request_id,
  trace_id: row.trace_id,
  before: row.before,
  after: row.after,
  details: row.details,
});
