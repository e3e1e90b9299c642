import { randomUUID } from 'node:crypto';
import { LimitService } from '@berth/contracts';
import { sendPatiently } from '@berth/errors';
import { type Bus, request } from '@berth/messaging';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { CommonClock } from '../../app/limits/common-clock.ts';
import type { QuotaSource } from '../../app/limits/leased-quotas.ts';
import type { RefusalCount } from '../../app/limits/refusal-reports.ts';

const { method } = LimitService;

/** Takes units of limits from auth, whose answers set `clock`. Nothing is sent twice: what was taken without our hearing of it is lost until its window ends. */
export const quotaSource = (
  bus: Bus,
  wait: { answerTimeoutMs: number; nobodyThereMs: number },
  clock: CommonClock,
): QuotaSource => {
  const options = { timeoutMs: wait.answerTimeoutMs };
  return {
    async lease(asks) {
      const message = {
        asks: asks.map(({ window, limit, ...units }) => ({
          ...units,
          limit: BigInt(limit),
          window: { ...window, windowStart: BigInt(window.windowStart) },
        })),
      };
      const ask = () =>
        clock.asking(
          () => request(bus, method.leaseQuota, message, options),
          ({ now }) => now && timestampMs(now),
        );
      const { grants } = await sendPatiently(ask, wait.nobodyThereMs);
      return grants.map(({ granted, taken }) => ({ granted, taken: Number(taken) }));
    },
    async giveBack(returns) {
      const message = {
        id: randomUUID(),
        returns: returns.map(({ window, units }) => ({
          window: { ...window, windowStart: BigInt(window.windowStart) },
          units,
        })),
      };
      await request(bus, method.returnQuota, message, options);
    },
  };
};

/** Tells auth of refusals. */
export const refusalReporter =
  (bus: Bus, wait: { answerTimeoutMs: number }) =>
  (counts: readonly RefusalCount[]): Promise<unknown> =>
    request(bus, method.reportRefusals, { counts: [...counts] }, { timeoutMs: wait.answerTimeoutMs });
