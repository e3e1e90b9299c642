import type { AccessState } from '@berth/access';
import type { Principal } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { timestampDate } from '@bufbuild/protobuf/wkt';

/** Blocks without an end have this one. */
const forEver = new Date('9999-12-31T00:00:00.000Z');

/**
 * Refuses users and API keys that are kept out, as gateways do: this is another way in. A user's key is kept out with its user, too. Throws
 * `forbidden` CALLER_BLOCKED.
 */
export const refusingKeptOut =
  (state: Pick<AccessState, 'blockOf'>) =>
  ({ id, kind, userId }: Principal): void => {
    const subjects = [...(userId === '' ? [] : [`user:${userId}`]), ...(kind === 'user' ? [] : [`key:${id}`])];
    const now = new Date();
    for (const subject of subjects) {
      const block = state.blockOf(subject, now.getTime());
      if (block !== undefined) throw keptOut(block.reason, block.until && timestampDate(block.until), now);
    }
  };

function keptOut(reason: string, until: Date | undefined, now: Date): DomainError {
  const hasEnd = until !== undefined && until < forEver;
  const message = `Whoever holds this key or token is kept out${hasEnd ? ' for a time' : ''}. ${reason}`.trim();
  const rest = hasEnd && { retryAfterSeconds: Math.max(1, Math.ceil((until.getTime() - now.getTime()) / 1_000)) };
  return new DomainError('forbidden', 'CALLER_BLOCKED', message, { ...rest });
}
