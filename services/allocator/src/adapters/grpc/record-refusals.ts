import { randomUUID } from 'node:crypto';
import { RefusalCounts } from '@berth/access';
import { AuditRecordSchema, type AuditResourceType, streams, subjects } from '@berth/contracts';
import type { DomainError } from '@berth/errors';
import { type Bus, publishKept } from '@berth/messaging';
import { type Logger, safeForAudit, safeTextForAudit } from '@berth/service-kit';
import { fromBinary, type MessageInitShape, toJson } from '@bufbuild/protobuf';
import { timestampNow } from '@bufbuild/protobuf/wkt';
import { clientOf } from './author-of-call.ts';
import type { OpenCall, ServerCall } from './open-call.ts';

type EntryInit = Omit<MessageInitShape<typeof AuditRecordSchema>, '$typeName' | 'id' | 'at' | 'resourceType'> & {
  readonly resourceType: AuditResourceType;
};

/** Tells the audit log of calls that wanted to change something and came to nothing; what was done is told by who did it. */
export interface RefusalRecorder {
  /** Resolves when the log is sure to have it, or when it will not: then the entry is in this service's log. Never rejects. */
  refused(open: OpenCall, call: ServerCall, error: DomainError): Promise<void>;
  /** Tells what was only counted. */
  stop(): Promise<void>;
}

const tellCountsEveryMs = 10_000;
/** A caller must not wait long for a stream that does not answer. It is asked twice. */
const answerWithinMs = 1_000;
const mostBodyBytes = 4_096;
const longestText = 200;

/** As gateways do it: whoever is refused again and again is told one by one at first and counted then. */
export function recordRefusals({ bus, log }: { readonly bus: Bus; readonly log: Logger }): RefusalRecorder {
  const refusals = new RefusalCounts(performance.now());
  const tell = async (entry: EntryInit): Promise<void> => {
    const message = { ...entry, id: randomUUID(), at: timestampNow() };
    const kept = { stream: streams.audit, subject: subjects.auditRecord, schema: AuditRecordSchema };
    try {
      await publishKept(bus, { ...kept, message, messageId: message.id }, answerWithinMs);
    } catch (error) {
      log.error({ err: error, auditEntry: { ...entry, id: message.id } }, 'audit entry could not be kept');
    }
  };
  const tellCounted = async (atOnce = false): Promise<void> => {
    const counted = refusals.take(performance.now(), atOnce);
    await Promise.all(counted.map(({ caller, count }) => tell(countedEntry(caller, count))));
  };
  const timer = setInterval(tellCounted, tellCountsEveryMs);
  timer.unref();
  return {
    async refused(open, call, error) {
      if (!open.method.needs.endsWith(':write')) return;
      const isCountable = open.principal === undefined || error.kind === 'rate_limited';
      const { clientAddress } = clientOf(call);
      if (isCountable && !refusals.note(open.principal?.id ?? clientAddress)) return;
      await tell(entryOf(open, call, error));
    },
    async stop() {
      clearInterval(timer);
      await tellCounted(true);
    },
  };
}

const countedEntry = (caller: string, count: number): EntryInit => ({
  ...{ action: 'request.refused', result: 'REFUSED_REPEATEDLY' },
  ...{ resourceType: 'caller', resourceId: caller },
  detailsJson: JSON.stringify({ count }),
});

function entryOf(open: OpenCall, call: ServerCall, { code }: DomainError): EntryInit {
  const { method, principal, scope } = open;
  const { clientAddress, userAgent } = clientOf(call);
  return {
    ...{ action: `request.${method.desc.localName}`, result: code, resourceType: 'pool', clientAddress },
    ...(principal && { principal: { id: principal.id, kind: principal.kind, name: principal.name } }),
    userAgent: safeTextForAudit(userAgent, longestText),
    ...{ requestId: scope.requestId, traceId: scope.traceId },
    detailsJson: JSON.stringify({
      method: 'gRPC',
      path: call.getPath(),
      ...(principal && { body: bodyOf(open, call) }),
    }),
  };
}

/** What is no message says nothing. */
function bodyOf({ method }: OpenCall, { request }: ServerCall): unknown {
  const { input } = method.desc;
  try {
    return safeForAudit(toJson(input, fromBinary(input, request), { useProtoFieldName: true }), mostBodyBytes);
  } catch {
    return '[bytes]';
  }
}
