import { LimitService, type QuotaWindow as QuotaWindowMessage } from '@berth/contracts';
import type { Database } from '@berth/database';
import { DomainError } from '@berth/errors';
import { type Bus, serve } from '@berth/messaging';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { berthItself } from '../../../app/asker.ts';
import type { PostgresAuthTransactions } from '../../postgres/auth-transactions.ts';
import { claim, remember } from '../../postgres/idempotency.ts';
import { leaseQuota, nameOf, type QuotaWindow, returnQuota } from '../../postgres/limits/quota-rows.ts';

interface Deps {
  readonly bus: Bus;
  readonly database: Database;
  readonly transactions: PostgresAuthTransactions;
}

const { method } = LimitService;
const mostWindows = 1_000;

/** Answers gateways that take units of limits in advance, and give them back. */
export const serveQuota = (deps: Deps) => [
  serve(deps.bus, method.leaseQuota, async ({ asks }) => {
    const wanted = asks.map(({ window, limit, needed, extra }) => ({
      ...{ ...toWindow(window), needed, extra },
      limit: Number(limit),
    }));
    assertOnce(wanted);
    const { grants, now } = await leaseQuota(deps.database, wanted);
    const onWire = grants.map(({ granted, taken }) => ({ granted, taken: BigInt(taken) }));
    return { grants: onWire, now: timestampFromDate(now) };
  }),
  serve(deps.bus, method.returnQuota, async ({ id, returns }) => {
    const units = returns.map((one) => ({ ...toWindow(one.window), units: one.units }));
    assertOnce(units);
    await deps.transactions.run(berthItself, async ({ sql }) => {
      // Units that came back twice would be handed out twice.
      const key = { scope: 'quota return', key: id, fingerprint: new Uint8Array() };
      if (await claim(sql, key)) return;
      await returnQuota(sql, units);
      await remember(sql, key, {});
    });
    return {};
  }),
];

export const windowMessage = ({ subject, endpointGroup, windowSeconds, windowStart }: QuotaWindow) => ({
  ...{ subject, endpointGroup, windowSeconds },
  windowStart: BigInt(windowStart),
});

function toWindow(window: QuotaWindowMessage | undefined): QuotaWindow {
  const { subject = '', endpointGroup = '', windowSeconds = 0, windowStart = 0n } = window ?? {};
  return { subject, endpointGroup, windowSeconds, windowStart: Number(windowStart) };
}

/** One statement changes a row once. */
function assertOnce(windows: readonly QuotaWindow[]): void {
  if (windows.length <= mostWindows && new Set(windows.map(nameOf)).size === windows.length) return;
  throw new DomainError('invalid', 'MALFORMED_COMMAND', 'Each window may be named once, and at most 1,000 of them.');
}
