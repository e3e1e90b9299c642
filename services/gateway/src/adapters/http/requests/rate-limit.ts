import { type Taken, TokenBuckets } from '@berth/access';
import { DomainError } from '@berth/errors';
import { subjectOfAddress } from '../../../domain/limits/counted-address.ts';
import type { App } from '../app-types.ts';

const maxKeys = 10_000;

/**
 * Refuses more than so many requests a second of one key, on this replica; on open routes of one address, IPv6 by its /64. 0: no limit. To be registered
 * after the hook that knows the key.
 */
export function registerRateLimit(app: App, perSecond: number): void {
  if (perSecond === 0) return;
  const buckets = new TokenBuckets({ perSecond, maxKeys });
  app.addHook('onRequest', async (request, reply) => {
    const caller = request.principal?.id ?? subjectOfAddress(request.ip);
    const { allowed, remaining, retryAfterMs } = buckets.take(caller, performance.now());
    const resetSeconds = Math.ceil(retryAfterMs / 1_000);
    reply.header('RateLimit-Limit', perSecond).header('RateLimit-Remaining', remaining);
    reply.header('RateLimit-Reset', resetSeconds);
    if (!allowed) throw tooMany(`More than ${perSecond} requests a second.`, resetSeconds);
  });
}

/** Counts the requests of an address (IPv6: of its /64) that came without a key that somebody holds: nobody else's bucket is charged for them. */
export class RefusalLimit {
  readonly #buckets: TokenBuckets | undefined;

  /** 0: no limit. */
  constructor(perSecond: number) {
    this.#buckets = perSecond === 0 ? undefined : new TokenBuckets({ perSecond, maxKeys });
  }

  /** Throws `rate_limited` while the address has had its share of refusals. */
  check(address: string): void {
    refuse(this.#buckets?.look(subjectOfAddress(address), performance.now()));
  }

  /** Notes a refusal. Throws `rate_limited` when it is one too many. */
  note(address: string): void {
    refuse(this.#buckets?.take(subjectOfAddress(address), performance.now()));
  }
}

function refuse(taken: Taken | undefined): void {
  if (taken === undefined || taken.allowed) return;
  throw tooMany('Too many requests a second without a valid key.', Math.ceil(taken.retryAfterMs / 1_000));
}

const tooMany = (message: string, retryAfterSeconds: number) =>
  new DomainError('rate_limited', 'RATE_LIMITED', message, { retryAfterSeconds });
