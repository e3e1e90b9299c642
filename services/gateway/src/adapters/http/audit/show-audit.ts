import type { AuditEntry, AuditHead, AuditKey } from '@berth/contracts';
import { showTime } from '../show-time.ts';
import type { AuditEntryDocument, AuditKeyDocument } from './audit-schemas.ts';

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
export const showAuditHead = (head: AuditHead) => ({
  kind: head.kind,
  seq: Number(head.seq),
  hash: head.hash,
  at: showTime(head.at),
  key_id: head.keyId,
  ...(head.newKeyId !== '' && { new_key_id: head.newKeyId, new_public_key: head.newPublicKey }),
  signature: head.signature,
});

/** A key of the audit log as it is answered. */
export const showAuditKey = ({ id, publicKey, createdAt, signing }: AuditKey): AuditKeyDocument => ({
  id,
  public_key: publicKey,
  created_at: showTime(createdAt),
  signing,
});
