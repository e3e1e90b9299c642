import type { AuditEntry, AuditHead } from '@berth/contracts';
import type { AuditEntryDocument } from './documents/audit.ts';
import { showTime } from './show-time.ts';

const parsed = (json: string): Record<string, unknown> | null => (json === '' ? null : JSON.parse(json));

/** An entry of the audit log as it is answered. */
export const showAuditEntry = (entry: AuditEntry): AuditEntryDocument => ({
  id: entry.id,
  seq: entry.seq === 0n ? null : Number(entry.seq),
  at: showTime(entry.at),
  action: entry.action,
  result: entry.result,
  actor: { id: entry.actorId, kind: entry.actorKind, name: entry.actorName },
  resource: { type: entry.resourceType, id: entry.resourceId, name: entry.resourceName },
  client_address: entry.clientAddress,
  user_agent: entry.userAgent,
  request_id: entry.requestId,
  trace_id: entry.traceId,
  before: parsed(entry.beforeJson),
  after: parsed(entry.afterJson),
  details: parsed(entry.detailsJson) ?? {},
  hash: entry.hash === '' ? null : entry.hash,
});

/** A signed head as it is answered, and as `npm run audit:verify -- --head` takes it. */
export const showAuditHead = ({ kind, seq, hash, at, keyId, signature }: AuditHead) => ({
  kind,
  seq: Number(seq),
  hash,
  at: showTime(at),
  key_id: keyId,
  signature,
});
