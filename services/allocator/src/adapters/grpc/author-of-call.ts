import type { AuditAuthor, Principal } from '@berth/contracts';
import { hostOf } from './call-limits.ts';
import { textOf } from './metadata-text.ts';
import type { ServerCall } from './open-call.ts';

const longestUserAgent = 200;

type FromClient = Pick<ServerCall, 'metadata' | 'getPeer'>;

/** From where a call comes, and with what. */
export const clientOf = (call: FromClient): Pick<AuditAuthor, 'clientAddress' | 'userAgent'> => ({
  clientAddress: hostOf(call.getPeer()).replace(/^\[(.*)\]$/, '$1'),
  userAgent: (textOf(call.metadata, 'user-agent') ?? '').slice(0, longestUserAgent),
});

/** Who calls, as the audit log names it. */
export const authorOfCall = ({ id, kind, name }: Principal, call: FromClient, requestId: string): AuditAuthor => ({
  principal: { id, kind, name },
  ...clientOf(call),
  requestId,
});
