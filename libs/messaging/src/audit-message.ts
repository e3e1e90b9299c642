import { randomUUID } from 'node:crypto';
import {
  type AuditAuthor,
  type AuditedChange,
  AuditRecordSchema,
  streams,
  subjects,
  traceOfRequest,
  typeOfAction,
} from '@berth/contracts';
import { safeForAudit, safeTextForAudit } from '@berth/service-kit';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { binaryMessage, type OutgoingMessage } from './outgoing-message.ts';
import { currentTrace } from './trace-headers.ts';

/** Of what was before, what is after, and the details together about three times as much: a message holds a megabyte. */
const mostBytes = 8_192;
const longestText = 400;

/**
 * An entry of the audit log for the outbox: it commits with the change that it tells of, or not at all. Its id is in the message, so that all
 * sendings, also those after a wipe of the stream, are one entry. Secrets are taken out here and once more by auth.
 */
export function auditMessage(author: AuditAuthor, change: AuditedChange): OutgoingMessage {
  const { principal, clientAddress, userAgent, requestId } = author;
  const { id, name = '' } = change.resource;
  const resourceType = typeOfAction(change.action);
  const { details = {} } = change;
  return binaryMessage(streams.audit, subjects.auditRecord, AuditRecordSchema, {
    ...{ id: randomUUID(), at: timestampFromDate(change.at), action: change.action, result: 'succeeded' },
    ...{ principal, resourceType, resourceId: textOf(id), resourceName: textOf(name), clientAddress },
    ...{ userAgent: textOf(userAgent), requestId, traceId: traceOf(requestId), detailsJson: jsonOf(details) },
    ...{ beforeJson: jsonOf(change.before), afterJson: jsonOf(change.after) },
  });
}

const textOf = (text: string): string => safeTextForAudit(text, longestText);

const jsonOf = (value: object | undefined): string =>
  value === undefined ? '' : JSON.stringify(safeForAudit(value, mostBytes));

const traceOf = (requestId: string): string =>
  currentTrace()['traceparent']?.split('-')[1] ?? traceOfRequest(requestId);
