import { randomUUID } from 'node:crypto';
import { AuditRecordSchema, type AuditResourceType, streams, subjects } from '@berth/contracts';
import { type Bus, publishKept } from '@berth/messaging';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampNow } from '@bufbuild/protobuf/wkt';
import { Counter, Histogram } from 'prom-client';

/** What is told of a request; its id and time are added. */
export type AuditInit = Omit<MessageInitShape<typeof AuditRecordSchema>, '$typeName' | 'id' | 'at' | 'resourceType'> & {
  readonly resourceType: AuditResourceType | '';
};

/** Tells the audit log what was asked. */
export interface AuditRecorder {
  /** Resolves when the log is sure to have it, or when it will not: then the entry is in this service's log, at error. Never rejects. */
  record(entry: AuditInit): Promise<void>;
}

/** The stream answers within a millisecond; a caller must not wait long for one that does not. It is asked twice. */
const answerWithinMs = 1_000;

export function auditRecorder(bus: Bus): AuditRecorder {
  const registers = [bus.registry];
  const seconds = new Histogram({
    name: 'berth_gateway_audit_seconds',
    help: 'How long answers waited until the stream had their audit entry',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 2.5],
    registers,
  });
  const lost = new Counter({
    name: 'berth_gateway_audit_lost_total',
    help: 'Audit entries that stand in the log of this service alone, because the bus did not take them',
    registers,
  });
  return {
    async record(entry) {
      // Not the request's id: callers choose that, and two requests with one id would become one entry.
      const message = { ...entry, id: randomUUID(), at: timestampNow() };
      const stopClock = seconds.startTimer();
      try {
        const kept = { stream: streams.audit, subject: subjects.auditRecord, schema: AuditRecordSchema };
        await publishKept(bus, { ...kept, message, messageId: message.id }, answerWithinMs);
      } catch (error) {
        lost.inc();
        bus.log.error({ err: error, auditEntry: { ...entry, id: message.id } }, 'audit entry could not be kept');
      } finally {
        stopClock();
      }
    },
  };
}
