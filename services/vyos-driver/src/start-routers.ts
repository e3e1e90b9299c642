import { subjects } from '@berth/contracts';
import type { Database } from '@berth/database';
import { type Bus, listen, notify, type Outbox } from '@berth/messaging';
import { ConfigError } from '@berth/service-kit';
import { StringValueSchema } from '@bufbuild/protobuf/wkt';
import { RouterKeyVault } from './adapters/crypto/router-key-vault.ts';
import { listenForRouterWork } from './adapters/nats/consume-router-changes.ts';
import { serveRouterAdmin } from './adapters/nats/serve-router-admin.ts';
import { PostgresRouterLedger } from './adapters/postgres/batches/postgres-router-ledger.ts';
import { PostgresLeaseStore } from './adapters/postgres/routers/postgres-lease-store.ts';
import { PostgresRouterRegistry } from './adapters/postgres/routers/postgres-router-registry.ts';
import { sealedKeyCounts } from './adapters/postgres/routers/sealed-key-counts.ts';
import { prometheusDriverMetrics } from './adapters/prometheus/prometheus-driver-metrics.ts';
import { sealedKeysGauge } from './adapters/prometheus/sealed-keys-gauge.ts';
import { inspectCertificate, isCertificate } from './adapters/vyos/inspect-certificate.ts';
import { RouterBreaker } from './adapters/vyos/router-breaker.ts';
import { RouterClient } from './adapters/vyos/router-client.ts';
import { systemClock } from './app/clock.ts';
import { registerOwnRouter } from './app/routers/register-own-router.ts';
import type { RouterAdminDeps } from './app/routers/router-admin.ts';
import { type FleetDeps, RouterFleet } from './app/routers/router-fleet.ts';
import type { RegisteredRouter } from './app/routers/router-registry.ts';
import { RouterWorker } from './app/routers/router-worker.ts';
import type { TestedRouter } from './app/routers/test-router.ts';
import type { DriverConfig, RouterSettings } from './config.ts';
import { redact } from './domain/answers/redact.ts';
import type { RouterTerms } from './domain/routers/router-settings.ts';
import type { DriverContext } from './start-driver.ts';

interface Around {
  readonly config: DriverConfig;
  readonly context: DriverContext;
  readonly database: Database;
  readonly bus: Bus;
  readonly outbox: Outbox;
  /** Whether the start is over: a place that is ambiguous afterwards ends the service, before it ends the start. */
  readonly phase: { readonly started: boolean };
  readonly stops: (() => Promise<unknown> | unknown)[];
}

/** Registers the router of the environment, begins to work all routers, and answers those who administer them. */
export async function startRouters(around: Around): Promise<RouterFleet> {
  const { config, context, database, bus, outbox, phase, stops } = around;
  const { log } = context;
  const registry = new PostgresRouterRegistry({ database, outbox });
  const vault = new RouterKeyVault(config.encryptionKeys ?? []);
  const { name: ownRouter } = config.router;
  await registerOwnRouter(registry, {
    name: ownRouter,
    terms: termsOf(config),
    keyFingerprints: vault.fingerprints(config.router.key),
  });
  const metrics = prometheusDriverMetrics(context.metrics);
  const masterKeyIds = (config.encryptionKeys ?? []).map(({ id }) => id);
  sealedKeysGauge(context.metrics, masterKeyIds, () => sealedKeyCounts(database));
  const workerOf = workers(around, metrics);
  const onOwnProblem: FleetDeps['onOwnProblem'] = (problem) => {
    if (phase.started) context.fail?.(new ConfigError([problem.message]));
  };
  const { times } = config;
  const fleet = new RouterFleet({ registry, vault, ownRouter, workerOf, onOwnProblem, times, metrics, log });
  stops.push(() => fleet.stop());
  await fleet.start();
  stops.push(listenForRouterWork(bus, (name) => fleet.wake(name)));
  stops.push(listen(bus, subjects.routerSettings, StringValueSchema, () => fleet.look()));
  const announce = (router: string) => notify(bus, subjects.routerSettings, StringValueSchema, { value: router });
  const admin: RouterAdminDeps = { registry, vault, isCertificate, ownRouter, announce };
  const borrowing = {
    registry,
    leases: new PostgresLeaseStore(database, { alsoDisabled: true }),
    times,
    log,
    announce,
  };
  const keyOf = (router: RegisteredRouter) => {
    if (router.fromSettings && router.name === ownRouter) return config.router.key;
    return router.sealedKey === undefined ? undefined : vault.open(router.sealedKey, router.name, router.terms.keyId);
  };
  stops.push(serveRouterAdmin(bus, { admin, database, borrowing, keyOf, tried }));
  return fleet;
}

/** How a router is tried: over a connection of its own, which is closed afterwards. */
async function tried<T>(
  terms: RouterTerms,
  key: string,
  call: TestedRouter['call'],
  use: (tested: TestedRouter) => Promise<T>,
): Promise<T> {
  const address = addressOf(terms, key);
  const client = new RouterClient(address);
  try {
    return await use({
      inspect: () => inspectCertificate(address, Math.min(call.timeoutMs, 10_000)),
      router: client,
      pin: terms.fingerprint,
      wishes: terms,
      call,
    });
  } finally {
    await client.close();
  }
}

function workers(
  { config, context, database, outbox }: Around,
  metrics: ReturnType<typeof prometheusDriverMetrics>,
): FleetDeps['workerOf'] {
  const { log, beforeSend, clock = systemClock } = context;
  return (registered, sealed, fromFleet) => {
    const { name, connection, terms } = registered;
    const own = sealed === undefined;
    const key = sealed ?? config.router.key;
    const address = own ? config.router : addressOf(terms, key);
    const router = new RouterBreaker(new RouterClient(address), config.breaker);
    const ofConnection = own ? undefined : connection;
    const worker = new RouterWorker({
      ...fromFleet,
      name,
      router,
      leases: new PostgresLeaseStore(database, ofConnection === undefined ? {} : { connection: ofConnection }),
      ledgerOf: (epoch) => new PostgresRouterLedger({ database, outbox }, name, epoch, ofConnection),
      times: config.times,
      settings: config.settings,
      wishes: own ? config.wishes : terms,
      log,
      clock,
      metrics,
      redact: (text) => redact(text, [key]),
      ...(beforeSend === undefined ? {} : { beforeSend }),
    });
    router.onChange(() => worker.wake());
    return { worker, close: () => router.close() };
  };
}

const addressOf = ({ host, port, caPem, fingerprint }: RouterTerms, key: string) => ({
  ...{ host, port, key },
  caFile: caPem || undefined,
  fingerprint: fingerprint || undefined,
});

function termsOf({ router, wishes }: DriverConfig): RouterTerms {
  const { host, port, keyId, caFile = '', fingerprint = '' }: RouterSettings = router;
  return {
    ...{ host, port, keyId, fingerprint, caPem: caFile },
    wanInterface: wishes.wanInterface ?? '',
    externalIp: wishes.externalIp ?? '',
    dhcpNetwork: wishes.dhcpNetwork ?? '',
    dhcpSubnet: wishes.dhcpSubnet ?? '',
  };
}
