import { randomUUID } from 'node:crypto';
import { type AuditRecord, AuditRecordSchema, AuditService, streams, subjects } from '@berth/contracts';
import type { Database } from '@berth/database';
import { type Bus, publishKept, request } from '@berth/messaging';
import { eventually } from '@berth/testing';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampNow } from '@bufbuild/protobuf/wkt';
import { admin } from './world.ts';

type Who = { id: string; kind: string; name: string; permissions: string[]; group: string };

const timeoutMs = 10_000;

/** What a gateway tells of a request. */
export const aRecord = (record: Partial<Omit<AuditRecord, '$typeName' | 'principal'>> & { principal?: Who } = {}) => ({
  ...{ id: randomUUID(), at: timestampNow(), action: 'request.createPool', result: 'succeeded' },
  ...{ resourceType: 'pool', resourceId: 'web', clientAddress: '192.0.2.7', userAgent: 'curl/8', requestId: 'r-1' },
  principal: admin,
  detailsJson: '{"method":"POST"}',
  ...record,
});

/** Tells it, as a gateway does. */
export const tell = (bus: Bus, record: MessageInitShape<typeof AuditRecordSchema>, messageId = record.id ?? '') =>
  publishKept(
    bus,
    { stream: streams.audit, subject: subjects.auditRecord, schema: AuditRecordSchema, message: record, messageId },
    timeoutMs,
  );

type Question = Omit<MessageInitShape<typeof AuditService.method.listAuditEntries.input>, '$typeName'>;

/** The questions of an administrator. */
export const auditLog = (bus: Bus, principal: Who = admin) => ({
  list: (question: Question = {}) =>
    request(bus, AuditService.method.listAuditEntries, { principal, ...question }, { timeoutMs }),
  heads: () => request(bus, AuditService.method.listAuditHeads, { principal }, { timeoutMs }),
  part: (question: { afterSeq?: bigint; toSeq?: bigint; first?: boolean } = {}) =>
    request(bus, AuditService.method.exportAudit, { principal, ...question }, { timeoutMs }),
  async export(from = 0n): Promise<string[]> {
    const lines: string[] = [];
    for (let after = from, first = true; ; first = false) {
      const part = await this.part({ afterSeq: after, first });
      lines.push(...part.lines);
      if (!part.more) return lines;
      after = part.lastSeq;
    }
  },
});

/** Waits until so many entries stand in the chain, and none waits. */
export const sealed = (database: Database, count: number) =>
  eventually(
    async () => {
      const [row] = await database.query<{ sealed: string; waiting: string }>(
        'SELECT count(seq) AS sealed, count(*) - count(seq) AS waiting FROM audit_entries',
      );
      return Number(row?.sealed) >= count && Number(row?.waiting) === 0;
    },
    { what: `${count} sealed entries`, timeoutMs: 30_000 },
  );
