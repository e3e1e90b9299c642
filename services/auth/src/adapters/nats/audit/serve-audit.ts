import { AuditService, type ListAuditEntriesRequest } from '@berth/contracts';
import type { Database } from '@berth/database';
import { type Bus, serve } from '@berth/messaging';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { EntryRow } from '../../postgres/audit/audit-entry-rows.ts';
import { auditKeys, exportPart, pageOfHeads } from '../../postgres/audit/export-audit.ts';
import { type AuditFilters, pageOfEntries } from '../../postgres/audit/read-audit.ts';
import { dateOf } from '../messages.ts';
import { assertAccess } from '../serve-command.ts';

const { method } = AuditService;
const access = { verb: 'audit:read' } as const;

/** Answers the reads of AuditService. Gives back its stop. */
export function serveAudit({ bus, database }: { bus: Bus; database: Database }): () => Promise<void> {
  const stops = [
    serve(bus, method.listAuditEntries, async (request) => {
      assertAccess(request.principal, access);
      const page = { size: request.pageSize, token: request.pageToken };
      const { rows, nextToken } = await pageOfEntries(database, filtersOf(request), page);
      return { entries: rows.map(entryMessage), nextPageToken: nextToken };
    }),
    serve(bus, method.exportAudit, async ({ principal, afterSeq, toSeq, first }) => {
      assertAccess(principal, access);
      const part = await exportPart(database, { afterSeq: Number(afterSeq), toSeq: Number(toSeq), first });
      return { lines: [...part.lines], lastSeq: BigInt(part.lastSeq), more: part.more };
    }),
    serve(bus, method.listAuditHeads, async ({ principal, pageSize, pageToken }) => {
      assertAccess(principal, access);
      const { heads, nextToken } = await pageOfHeads(database, { size: pageSize, token: pageToken });
      const keys = await auditKeys(database);
      return {
        heads: heads.map(({ head, signature }) => ({
          ...{ kind: head.kind, seq: BigInt(head.seq), hash: head.hash, at: timestampFromDate(new Date(head.at)) },
          ...{ keyId: head.key_id, signature },
          ...{ newKeyId: head.new_key_id ?? '', newPublicKey: head.new_public_key ?? '' },
        })),
        keys: keys.map(({ id, public_key: publicKey, created_at, active: signing }) => ({
          ...{ id, publicKey, createdAt: timestampFromDate(new Date(created_at)), signing },
        })),
        nextPageToken: nextToken,
      };
    }),
  ];
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}

const given = (text: string): string | undefined => (text === '' ? undefined : text);

const filtersOf = (request: ListAuditEntriesRequest): AuditFilters => ({
  actor: given(request.actor),
  actionPrefix: given(request.actionPrefix),
  resourceType: given(request.resourceType),
  resourceId: given(request.resourceId),
  result: given(request.result),
  address: given(request.address),
  requestId: given(request.requestId),
  since: dateOf(request.since),
  until: dateOf(request.until),
});

const jsonText = (value: unknown): string => (value === null ? '' : JSON.stringify(value));

const entryMessage = (row: EntryRow) => ({
  ...{
    id: row.id,
    seq: BigInt(row.seq ?? 0),
    at: timestampFromDate(new Date(row.at)),
    hash: row.hash?.toString('hex') ?? '',
  },
  ...{ action: row.action, result: row.result },
  ...{ actorId: row.actor_id, actorKind: row.actor_kind, actorName: row.actor_name },
  ...{ resourceType: row.resource_type, resourceId: row.resource_id, resourceName: row.resource_name },
  ...{ clientAddress: row.client_address, userAgent: row.user_agent, requestId: row.request_id, traceId: row.trace_id },
  ...{ beforeJson: jsonText(row.before), afterJson: jsonText(row.after), detailsJson: jsonText(row.details) },
});
