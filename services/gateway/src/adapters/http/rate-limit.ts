import { DomainError } from '@berth/errors';
import rateLimit from '@fastify/rate-limit';
import type { App } from './app-types.ts';

/** Refuses more than so many requests a second of one key, on this replica; on open routes of one address. 0: no limit. */
export async function registerRateLimit(app: App, perSecond: number): Promise<void> {
  if (perSecond === 0) return;
  await app.register(rateLimit, {
    max: perSecond,
    timeWindow: 1_000,
    cache: 10_000,
    enableDraftSpec: true,
    keyGenerator: (request) => request.principal?.id ?? request.ip,
    errorResponseBuilder: (_request, { max, ttl }) =>
      new DomainError('rate_limited', 'RATE_LIMITED', `More than ${max} requests a second.`, {
        retryAfterSeconds: Math.max(1, Math.ceil(ttl / 1_000)),
      }),
  });
}
