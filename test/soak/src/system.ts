import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { readConfig as readAllocatorConfig, startAllocator } from '@berth/allocator';
import { DriftPolicy, DriftService, RouterService, RouterState } from '@berth/contracts';
import { type Database, openDatabase } from '@berth/database';
import { type Bus, connectBus, request } from '@berth/messaging';
import { createLogger } from '@berth/service-kit';
import { eventually, freshDatabase, freshPrefix, type TestScope, testNats } from '@berth/testing';
import { type Simulator, startSimulator } from '@berth/vyos-simulator';
import { Registry } from 'prom-client';
import { DriverReplica } from './driver-replica.ts';
import { VirtualClock } from './virtual-clock.ts';

/** An allocator, driver replicas that come and go, and a router, on a database and bus of their own. */
export interface System {
  readonly bus: Bus;
  readonly database: Database;
  readonly router: Simulator;
  readonly clock: VirtualClock;
  /** The replicas that work; the first is the eldest. */
  readonly drivers: DriverReplica[];
  startDriver(): Promise<void>;
}

export async function startSystem(scope: TestScope): Promise<System> {
  const log = createLogger('soak', 'silent');
  const { url: databaseUrl } = await freshDatabase(scope);
  const { url: natsUrl } = await testNats();
  const prefix = freshPrefix(scope);
  const router = await startSimulator({ key: randomBytes(24).toString('base64url') });
  scope.after(() => router.stop());
  const bus = await connectBus({ url: natsUrl, prefix, name: 'soak', log });
  scope.after(() => bus.drain());
  const clock = new VirtualClock();
  const drivers: DriverReplica[] = [];
  scope.after(async () => {
    for (const driver of drivers) await driver.stop();
  });
  const env = {
    DATABASE_URL: databaseUrl,
    NATS_URL: natsUrl,
    BERTH_SUBJECT_PREFIX: prefix,
    VYOS_IP: '127.0.0.1',
    VYOS_API_PORT: new URL(router.url).port,
    VYOS_API_KEY: router.key,
    VYOS_TLS_FINGERPRINT: router.fingerprint,
    GRPC_PORT: '0',
    BERTH_QUARANTINE_SECONDS: '0',
  };
  const startDriver = async () => void drivers.push(await DriverReplica.start({ env, log, clock }));
  await startDriver();
  await untilSeen(bus, clock);
  const stops: (() => unknown)[] = [];
  scope.after(async () => {
    for (const stop of stops.reverse()) await stop();
  });
  await startAllocator(readAllocatorConfig(env), {
    log,
    metrics: new Registry(),
    onStop: (stop) => void stops.push(stop),
    readyWhen: () => {},
    announce: () => {},
    fail: (error) => {
      throw error;
    },
  });
  const database = await openDatabase({
    ...{ url: databaseUrl, schema: 'allocator', migrations: [], poolSize: 2, applicationName: 'soak' },
  });
  scope.after(() => database.close());
  await eventually(
    async () => {
      const rows = await database.query("SELECT FROM routers WHERE state = 'ok' AND inventory_loaded = inventory");
      return rows.length > 0 ? true : undefined;
    },
    { what: 'the allocator to know the router' },
  );
  await repairAlways(bus, clock);
  return { bus, database, router, clock, drivers, startDriver };
}

const operator = { id: 'soak', kind: 'api_key', name: 'soak', group: '', permissions: ['routers:admin'] };

async function repairAlways(bus: Bus, clock: VirtualClock): Promise<void> {
  const rules = [{ path: [], policy: DriftPolicy.REPAIR }];
  const message = { principal: operator, router: 'default', rules };
  let set = false;
  const setting = request(bus, DriftService.method.setDriftPolicies, message, { timeoutMs: 10_000 }).finally(() => {
    set = true;
  });
  while (!set) {
    clock.toNext();
    await nextTurn();
  }
  await setting;
}

async function untilSeen(bus: Bus, clock: VirtualClock): Promise<void> {
  await eventually(
    async () => {
      clock.toNext();
      const { routers } = await request(bus, RouterService.method.listRouters, {}, { timeoutMs: 2_000 });
      return routers.some(({ state }) => state === RouterState.OK) ? true : undefined;
    },
    { what: 'the driver to have looked at the router' },
  );
}
