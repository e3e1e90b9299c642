import { TokenBuckets } from '@berth/access';
import { DomainError } from '@berth/errors';
import type { App } from './app-types.ts';

const maxKeys = 10_000;

/**
 * Refuses more than so many requests a second of one key, on this replica; on open routes of one address. 0: no limit. To be registered
 * after the hook that knows the key.
 */
export function registerRateLimit(app: App, perSecond: number): void {
  if (perSecond === 0) return;
  const buckets = new TokenBuckets({ perSecond, maxKeys });
  app.addHook('onRequest', async (request, reply) => {
    const { allowed, remaining, retryAfterMs } = buckets.take(request.principal?.id ?? request.ip, performance.now());
    const resetSeconds = Math.ceil(retryAfterMs / 1_000);
    reply.header('RateLimit-Limit', perSecond).header('RateLimit-Remaining', remaining);
    reply.header('RateLimit-Reset', resetSeconds);
    if (allowed) return;
    throw new DomainError('rate_limited', 'RATE_LIMITED', `More than ${perSecond} requests a second.`, {
      retryAfterSeconds: resetSeconds,
    });
  });
}
