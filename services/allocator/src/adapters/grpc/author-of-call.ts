import type { AuditAuthor, Principal } from '@berth/contracts';
import { hostOf } from './call-limits.ts';
import { textOf } from './metadata-text.ts';
import type { ServerCall } from './open-call.ts';

const longestUserAgent = 200;

/** Who calls, as the audit log names it. */
export const authorOfCall = (
  { id, kind, name }: Principal,
  call: Pick<ServerCall, 'metadata' | 'getPeer'>,
  requestId: string,
): AuditAuthor => ({
  principal: { id, kind, name },
  clientAddress: hostOf(call.getPeer()).replace(/^\[(.*)\]$/, '$1'),
  userAgent: (textOf(call.metadata, 'user-agent') ?? '').slice(0, longestUserAgent),
  requestId,
});
