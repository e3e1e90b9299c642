import type { AccessState } from '@berth/access';
import type { Bus } from '@berth/messaging';
import type { ServiceContext } from '@berth/service-kit';
import type { LimitGuard } from './adapters/http/limits/limit-guard.ts';
import { limitFactsOf } from './adapters/nats/limit-facts.ts';
import { quotaSource, refusalReporter } from './adapters/nats/limit-service.ts';
import { CommonClock } from './app/limits/common-clock.ts';
import { LeasedQuotas } from './app/limits/leased-quotas.ts';
import { RefusalReports } from './app/limits/refusal-reports.ts';
import { SlowAnswers } from './app/limits/slow-answers.ts';
import type { CommandTiming } from './app/operations/command-timing.ts';
import type { GatewayConfig } from './config.ts';
import { networkTest } from './domain/limits/counted-address.ts';

const sweepEveryMs = 5_000;
const reportEveryMs = 1_000;
/** Each holds a connection and a timer, nothing else. */
const mostSlowAnswers = 500;

/** Keeps limits: follows what auth tells of them, leases units from it, and reports refusals. `now`: the own clock. */
export function startLimits(
  {
    bus,
    timing,
    config,
    state,
    now,
  }: { bus: Bus; timing: CommandTiming; config: GatewayConfig; state: AccessState; now: () => number },
  { log, onStop }: Pick<ServiceContext, 'log' | 'onStop'>,
): LimitGuard {
  const known = limitFactsOf(state);
  const clock = new CommonClock(now);
  const source = quotaSource(bus, timing, clock);
  onStop(clock.start(() => source.lease([])));
  const facts = { ...known, unknown: () => known.unknown() ?? clock.unknown() };
  const quotas = new LeasedQuotas({ source, now: clock.now });
  const refusals = new RefusalReports(refusalReporter(bus, timing));
  const slow = new SlowAnswers(mostSlowAnswers);
  const quietly = (what: string, work: () => Promise<void>) => () =>
    work().catch((error) => log.warn({ err: error, what }, 'background work failed'));
  const timers = [
    setInterval(
      quietly('giving back units of limits', () => quotas.sweep()),
      sweepEveryMs,
    ),
    setInterval(
      quietly('reporting refusals', () => refusals.flush()),
      reportEveryMs,
    ),
  ];
  onStop(async () => {
    for (const timer of timers) clearInterval(timer);
    await quietly('reporting refusals', () => refusals.flush())();
    await quietly('giving back units of limits', () => quotas.stop())();
  });
  return { facts, quotas, slow, refusals, now: clock.now, isExempt: networkTest(config.neverBlock) };
}
