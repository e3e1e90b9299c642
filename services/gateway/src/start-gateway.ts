import { connectBus } from '@berth/messaging';
import type { ServiceContext } from '@berth/service-kit';
import { apiKeyRoutes } from './adapters/http/api-keys.ts';
import type { App } from './adapters/http/app-types.ts';
import { buildApp } from './adapters/http/build-app.ts';
import { bulkRoutes } from './adapters/http/bulk.ts';
import { decommissionVmRoutes } from './adapters/http/decommission-vm.ts';
import { healthRoutes } from './adapters/http/health.ts';
import { gatewayMetrics } from './adapters/http/http-metrics.ts';
import { listen } from './adapters/http/listen.ts';
import { operationRoutes } from './adapters/http/operations.ts';
import { portStatusRoutes } from './adapters/http/port-status.ts';
import { portRoutes } from './adapters/http/ports.ts';
import { provisionVmRoutes } from './adapters/http/provision-vm.ts';
import { apiKeyService } from './adapters/nats/api-key-service.ts';
import { keepKeysTrue, keyVerifier } from './adapters/nats/auth-service.ts';
import { bulkService } from './adapters/nats/bulk-service.ts';
import { healthChecks } from './adapters/nats/health-checks.ts';
import { listenToEndings } from './adapters/nats/operation-endings.ts';
import { operationReader, vmCommands, vmReader } from './adapters/nats/vm-service.ts';
import { type CommandTiming, defaultTiming } from './app/command-timing.ts';
import { KeyCache } from './app/key-cache.ts';
import { healthReader } from './app/read-health.ts';
import type { GatewayConfig } from './config.ts';

const keyCacheEntries = 10_000;
const refusedKeyMs = 1_500;

/** Starts the gateway; gives back its address. `timing` is for tests that cannot wait as long as people do. */
export async function startGateway(
  config: GatewayConfig,
  context: Pick<ServiceContext, 'log' | 'metrics' | 'onStop' | 'readyWhen'> & Partial<Pick<ServiceContext, 'fail'>>,
  timing: CommandTiming = { ...defaultTiming, commandTimeoutMs: config.commandTimeoutMs },
): Promise<{ url: string; app: App }> {
  const { log, onStop } = context;
  const bus = await connectBus({
    url: config.natsUrl,
    prefix: config.subjectPrefix,
    name: 'gateway',
    log,
    metrics: context.metrics,
    ...(context.fail && { fail: context.fail }),
  });
  onStop(() => bus.drain());
  context.readyWhen('bus', () => bus.ping());

  const endings = listenToEndings(bus);
  const metrics = gatewayMetrics(context.metrics, { waiting: () => endings.waiting });
  const keys = new KeyCache({
    verify: keyVerifier(bus, timing),
    ttlMs: config.keyCacheSeconds * 1_000,
    refusalTtlMs: refusedKeyMs,
    maxEntries: keyCacheEntries,
    onLookup: (result) => metrics.keyLookups.inc({ result }),
  });
  onStop(keepKeysTrue(bus, keys));

  await bus.ping(); // answers once the server knows of both subscriptions: no news is missed from the first request on

  const commands = { operations: operationReader(bus), endings, timing };
  const answering = { commands, defaultWaitSeconds: config.waitSeconds, vms: vmCommands(bus) };
  const { requestsPerSecond, overloadedAfterMs } = config;
  const http = { log, metrics, keys, requestsPerSecond, overloadedAfterMs };
  const app = await buildApp(http, (routes) => {
    healthRoutes(routes, { health: healthReader(healthChecks(bus)) });
    provisionVmRoutes(routes, answering);
    portRoutes(routes, answering);
    decommissionVmRoutes(routes, answering);
    portStatusRoutes(routes, { vms: vmReader(bus, timing) });
    bulkRoutes(routes, { ...answering, bulks: bulkService(bus, timing) });
    operationRoutes(routes, answering);
    apiKeyRoutes(routes, {
      apiKeys: apiKeyService(bus, timing),
      commandTimeoutMs: timing.commandTimeoutMs,
      forget: (id) => keys.forget(id),
    });
  });
  const url = await listen(app, config);
  onStop(() => app.close());
  onStop(() => endings.stop()); // first of all: whoever waits long gets his 202 now
  return { url, app };
}
