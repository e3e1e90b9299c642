import { openAccess } from '@berth/access';
import { type Bus, connectBus } from '@berth/messaging';
import type { ServiceContext } from '@berth/service-kit';
import { addAccounts } from './adapters/http/accounts/routes.ts';
import { addAdoption } from './adapters/http/adoption/routes.ts';
import type { App } from './adapters/http/app-types.ts';
import { addAudit } from './adapters/http/audit/routes.ts';
import { addBulk } from './adapters/http/bulk/routes.ts';
import { addDrift } from './adapters/http/drift/routes.ts';
import { addForwards } from './adapters/http/forwards/routes.ts';
import { addHealth } from './adapters/http/health/routes.ts';
import { addHistory } from './adapters/http/history/routes.ts';
import { addIdentities } from './adapters/http/identities/routes.ts';
import { addKeys } from './adapters/http/keys/routes.ts';
import { addLimits } from './adapters/http/limits/routes.ts';
import { addMails } from './adapters/http/mails/routes.ts';
import { addOperations } from './adapters/http/operations/routes.ts';
import { addPlans } from './adapters/http/plans/routes.ts';
import { addPools } from './adapters/http/pools/routes.ts';
import { addRouters } from './adapters/http/routers/routes.ts';
import { buildApp } from './adapters/http/server/build-app.ts';
import { gatewayMetrics } from './adapters/http/server/http-metrics.ts';
import { listen } from './adapters/http/server/listen.ts';
import { addSessions } from './adapters/http/sessions/routes.ts';
import { addUsers } from './adapters/http/users/routes.ts';
import { addVms } from './adapters/http/vms/routes.ts';
import type { AddTopic } from './adapters/http/wiring.ts';
import { auditRecorder } from './adapters/nats/audit-recorder.ts';
import { listenToEndings } from './adapters/nats/operation-endings.ts';
import { steadyClock } from './app/limits/common-clock.ts';
import { type CommandTiming, defaultTiming } from './app/operations/command-timing.ts';
import type { GatewayConfig } from './config.ts';
import { startLimits } from './start-limits.ts';

type Context = Pick<ServiceContext, 'log' | 'metrics' | 'onStop' | 'readyWhen'> & Partial<Pick<ServiceContext, 'fail'>>;

/** All of the API, in the order of its document. A new route goes into its topic's `routes.ts`; a new topic gets a line here. */
const topics: readonly AddTopic[] = [
  addHealth,
  // VMs, and what they are given
  addVms,
  addForwards,
  addBulk,
  addPlans,
  addAdoption,
  addOperations,
  addPools,
  // routers
  addRouters,
  addDrift,
  addHistory,
  // who calls, and what they may
  addLimits,
  addAccounts,
  addAudit,
  addMails,
  addKeys,
  addSessions,
  addUsers,
  addIdentities,
];

/** Starts the gateway; gives back its address. `timing` and `now` are for tests that cannot wait as long as people do. */
export async function startGateway(
  config: GatewayConfig,
  context: Context,
  timing: CommandTiming = {
    ...defaultTiming,
    commandTimeoutMs: config.commandTimeoutMs,
    answerTimeoutMs: config.answerTimeoutMs,
  },
  now: () => number = steadyClock,
): Promise<{ url: string; app: App }> {
  const { log, onStop } = context;
  const bus = await openBus(config, context);
  const endings = listenToEndings(bus);
  const metrics = gatewayMetrics(context.metrics, { waiting: () => endings.waiting });
  const access = openAccess(bus, {
    wait: timing,
    tokens: config.tokens,
    ttlMs: config.keyCacheSeconds * 1_000,
    onLookup: (result) => metrics.keyLookups.inc({ result }),
  });
  onStop(() => access.stop());
  const limits = startLimits({ bus, timing, config, state: access.state, now }, context);
  await bus.ping(); // answers once the server knows of both subscriptions: no news is missed from the first request on

  const { requestsPerSecond, overloadedAfterMs, trustedProxies, waitSeconds } = config;
  const ofAll = { requestsPerSecond, overloadedAfterMs, trustedProxies, limits, log, metrics };
  const wiring = { bus, timing, endings, access, waitSeconds, isExempt: limits.isExempt };
  const app = await buildApp({ ...ofAll, keys: access.authenticator, audit: auditRecorder(bus) }, (routes) => {
    for (const addTopic of topics) addTopic(routes, wiring);
  });
  const url = await listen(app, config);
  onStop(() => app.close());
  onStop(() => limits.slow.stop());
  onStop(() => endings.stop()); // first of all: whoever waits long gets his 202 now
  return { url, app };
}

async function openBus(config: GatewayConfig, { log, metrics, onStop, readyWhen, fail }: Context): Promise<Bus> {
  const bus = await connectBus({
    url: config.natsUrl,
    prefix: config.subjectPrefix,
    name: 'gateway',
    log,
    metrics,
    ...(fail && { fail }),
  });
  onStop(() => bus.drain());
  readyWhen('bus', () => bus.ping());
  return bus;
}
