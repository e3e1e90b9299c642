import { isDeepStrictEqual } from 'node:util';
import type { KeyCache } from '@berth/access';
import type { Principal } from '@berth/contracts';
import { DomainError, toDomainError } from '@berth/errors';

/** Notices end what they are about at once; this ends what has come to its own end, and what a notice was missed of. */
const lookEveryMs = 1_000;

const changed = () =>
  new DomainError('unavailable', 'SERVICE_UNAVAILABLE', 'What this key may do has changed. Call again.', {
    retryAfterSeconds: 1,
  });

/**
 * Asks again who calls, as long as a call lasts: when a key has changed, when the connection was lost, and every second, which the cache
 * answers. Interrupts the call when its caller would not be let in any more, or as somebody else. Gives back its stop.
 */
export function keepAdmitted(
  keys: Pick<KeyCache, 'onForgotten'>,
  caller: Principal,
  admit: () => Promise<Principal>,
  interrupt: (reason: DomainError) => void,
): () => void {
  const look = async () => {
    try {
      const { group, permissions, grants } = await admit();
      const isSame =
        group === caller.group && isDeepStrictEqual([permissions, grants], [caller.permissions, caller.grants]);
      if (!isSame) interrupt(changed());
    } catch (error) {
      interrupt(toDomainError(error));
    }
  };
  const stopHearing = keys.onForgotten(() => void look());
  const timer = setInterval(() => void look(), lookEveryMs);
  return () => {
    clearInterval(timer);
    stopHearing();
  };
}
