import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import {
  type RouterChange,
  RouterChangeSchema,
  type RouterChangeSettled,
  RouterChangeSettledSchema,
  RouterService,
  type RouterStatus,
  RouterStatusSchema,
  streams,
  subjects,
  Verdict,
} from '@berth/contracts';
import { openDatabase } from '@berth/database';
import { type Bus, connectBus, ensureStream, listen, request } from '@berth/messaging';
import { createLogger } from '@berth/service-kit';
import { eventually, freshDatabase, freshPrefix, testNats } from '@berth/testing';
import { baseline, type Simulator, type SimulatorOptions, startSimulator } from '@berth/vyos-simulator';
import { toBinary } from '@bufbuild/protobuf';
import { Registry } from 'prom-client';
import type { DriverTimes } from '../../src/app/driver-times.ts';
import { type DriverConfig, defaultTimes } from '../../src/config.ts';
import { type DriverContext, type RunningDriver, startDriver } from '../../src/start-driver.ts';
import { driverSchema } from './driver-schema.ts';

/** Everything waits as briefly as it can in a test; what a test is about it sets itself. */
const quickTimes: DriverTimes = {
  ...defaultTimes,
  pollMs: 100,
  settleDelayMs: 20,
  lockedFirstMs: 20,
  lockedMostMs: 100,
  awayFirstMs: 20,
  awayMostMs: 100,
  troubleFirstMs: 50,
  troubleMostMs: 200,
  stopGraceMs: 3_000,
  sweepMs: 200,
};

export interface WorldOptions {
  readonly simulator?: SimulatorOptions;
  readonly times?: Partial<DriverTimes>;
  readonly breaker?: DriverConfig['breaker'];
  readonly commitConfirmMinutes?: number;
}

/** A router, a database and a bus of one test, and the drivers that it starts. */
export interface World {
  readonly router: Simulator;
  readonly bus: Bus;
  readonly databaseUrl: string;
  readonly config: DriverConfig;
  readonly settled: RouterChangeSettled[];
  readonly statuses: RouterStatus[];
  readonly metrics: Registry;
  start(config?: Partial<DriverConfig>, context?: Partial<DriverContext>): Promise<RunningDriver>;
  send(...changes: readonly RouterChange[]): Promise<void>;
  /** The verdicts of these resources' newest revisions, once all have one. */
  verdicts(...resourceIds: readonly string[]): Promise<RouterChangeSettled[]>;
  query<Row>(sql: string): Promise<Row[]>;
  states(): number[];
}

export async function driverWorld(t: TestContext, options: WorldOptions = {}): Promise<World> {
  const log = createLogger('test', process.env['BERTH_TEST_LOG_LEVEL'] ?? 'silent');
  const { url: databaseUrl } = await freshDatabase(t, driverSchema);
  const natsUrl = (await testNats()).url;
  const prefix = freshPrefix(t);
  const router = await startSimulator({ key: randomBytes(24).toString('base64url'), ...options.simulator });
  t.after(() => router.stop());
  const bus = await connectBus({ url: natsUrl, prefix, name: 'test', log });
  t.after(() => bus.drain());
  await ensureStream(bus, streams.routerChanges);
  const observer = { url: databaseUrl, schema: 'vyos_driver', migrations: [], poolSize: 2, applicationName: 'test' };
  const database = await openDatabase(observer);
  t.after(() => database.close());
  const settled: RouterChangeSettled[] = [];
  const statuses: RouterStatus[] = [];
  t.after(listen(bus, 'router-events.settled.>', RouterChangeSettledSchema, (message) => void settled.push(message)));
  t.after(listen(bus, 'router-events.status.>', RouterStatusSchema, (message) => void statuses.push(message)));
  const config: DriverConfig = {
    databaseUrl,
    natsUrl,
    prefix,
    router: {
      name: 'default',
      host: '127.0.0.1',
      port: Number(new URL(router.url).port),
      keyId: router.keyId,
      key: router.key,
      caFile: undefined,
      fingerprint: router.fingerprint,
    },
    wishes: {},
    settings: { commitConfirmMinutes: options.commitConfirmMinutes ?? 2 },
    times: { ...quickTimes, ...options.times },
    breaker: options.breaker ?? { threshold: 3, resetTimeoutMs: 200 },
    history: { days: 90, commits: 10_000 },
    startLookMs: 5_000,
  };
  const metrics = new Registry();
  const drivers: RunningDriver[] = [];
  let starts = 0;
  t.after(() => Promise.all(drivers.map((driver) => driver.stop())));
  return {
    router,
    bus,
    databaseUrl,
    config,
    settled,
    statuses,
    metrics,
    async start(given = {}, context = {}) {
      const registry = starts++ === 0 ? metrics : new Registry();
      const driver = await startDriver({ ...config, ...given }, { log, metrics: registry, ...context });
      drivers.push(driver);
      return driver;
    },
    async send(...changes) {
      const publish = (change: RouterChange) =>
        bus.jetstream.publish(
          `${prefix}.${subjects.routerChange(change.router)}`,
          toBinary(RouterChangeSchema, change),
        );
      await Promise.all(changes.map(publish));
    },
    verdicts: (...resourceIds) =>
      eventually(
        () => {
          const newest = resourceIds.flatMap((id) => settled.findLast((one) => one.resourceId === id) ?? []);
          return newest.length === resourceIds.length ? newest : undefined;
        },
        { timeoutMs: 30_000, what: `verdicts on ${resourceIds.length} resources` },
      ),
    query: <Row>(sql: string) => database.query<Row>(sql),
    states: () => statuses.map((status) => status.state),
  };
}

/** Resource ids of VMs `from` to `to`. */
export const vmIds = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, at) => `vm-${from + at}`);

export const isApplied = (settled: RouterChangeSettled): boolean => settled.verdict === Verdict.APPLIED;

/** What stands at a path of the router's configuration. */
export function configAt(router: Simulator, path: readonly string[], tree: 'running' | 'saved' = 'running'): unknown {
  let node: unknown = router.config(tree);
  for (const name of path) node = typeof node === 'object' && node !== null ? Reflect.get(node, name) : undefined;
  return node;
}

export const ruleOf = (router: Simulator, n: number, tree?: 'running' | 'saved') =>
  configAt(router, ['nat', 'destination', 'rule', String(10_000 + n * 10)], tree);

const mappings = ['service', 'dhcp-server', 'shared-network-name', 'LAN', 'subnet', '10.10.0.0/16', 'static-mapping'];
export const mappingOf = (router: Simulator, n: number, tree?: 'running' | 'saved') =>
  configAt(router, [...mappings, `vm-${n}`], tree);

/** Running is saved, and everything that the drivers did not make is as it was before them. */
export async function assertForeignUntouched(router: Simulator, profile?: SimulatorOptions['profile']): Promise<void> {
  const before = withoutOurs(await baseline(profile));
  assert.equal(JSON.stringify(withoutOurs(router.config())), JSON.stringify(before));
}

/** The configuration without VMs' rules and mappings, and without the API's keys. */
function withoutOurs(config: unknown): unknown {
  const copy = structuredClone(config);
  const inside = (path: readonly string[]): Record<string, unknown> =>
    path.reduce<Record<string, unknown>>((node, name) => Object(node[name] ?? {}), Object(copy));
  for (const rule of Object.keys(inside(['nat', 'destination', 'rule']))) {
    if (Number(rule) >= 10_000) delete inside(['nat', 'destination', 'rule'])[rule];
  }
  for (const name of Object.keys(inside(mappings))) if (/^vm-\d+$/.test(name)) delete inside(mappings)[name];
  delete inside(['service', 'https', 'api'])['keys'];
  return copy;
}

export const listRouters = async (bus: Bus) =>
  (await request(bus, RouterService.method.listRouters, {}, { timeoutMs: 20_000 })).routers;
