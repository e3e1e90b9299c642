import { streams } from '@berth/contracts';
import { type Database, openDatabase } from '@berth/database';
import { type Bus, connectBus, Outbox } from '@berth/messaging';
import { ConfigError, type Logger } from '@berth/service-kit';
import type { Registry } from 'prom-client';
import { consumeRouterChanges, listenForRouterWork } from './adapters/nats/consume-router-changes.ts';
import { serveQueue } from './adapters/nats/serve-queue.ts';
import { serveRouters } from './adapters/nats/serve-routers.ts';
import { migrations } from './adapters/postgres/migrations/index.ts';
import { PostgresChangeInbox } from './adapters/postgres/postgres-change-inbox.ts';
import { PostgresLeaseStore } from './adapters/postgres/postgres-lease-store.ts';
import { PostgresQueue } from './adapters/postgres/postgres-queue.ts';
import { PostgresRouterDirectory } from './adapters/postgres/postgres-router-directory.ts';
import { PostgresRouterLedger } from './adapters/postgres/postgres-router-ledger.ts';
import { prometheusDriverMetrics } from './adapters/prometheus/prometheus-driver-metrics.ts';
import { RouterBreaker } from './adapters/vyos/router-breaker.ts';
import { RouterClient } from './adapters/vyos/router-client.ts';
import { pause } from './app/bell.ts';
import { type Clock, systemClock } from './app/clock.ts';
import { RouterWorker } from './app/router-worker.ts';
import type { DriverConfig } from './config.ts';
import { redact } from './domain/redact.ts';

export interface DriverContext {
  readonly log: Logger;
  readonly metrics: Registry;
  /** Called when the service cannot go on: a router whose place in the network became known after the start, and is ambiguous. */
  readonly fail?: (error: unknown) => void;
  /** By which the workers wait; the machine's when absent. */
  readonly clock?: Clock;
  /** See `SessionParts.beforeSend`. */
  readonly beforeSend?: () => Promise<void>;
}

/** A commit that takes longer than any seen with few operations; below it, commits are cut off that would have been answered. */
const shortestWriteTimeoutMs = 60_000;

/** A running driver. Several may run on one database and prefix. */
export interface RunningDriver {
  /** Throws when database or bus do not answer. */
  ping(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts the driver: schema, consumer, answers, the router's worker. Throws a ConfigError that lists the choices when the router was read and its
 * place in the network is ambiguous or contradicts the settings; a router that does not answer is no reason not to start.
 */
export async function startDriver(config: DriverConfig, context: DriverContext): Promise<RunningDriver> {
  const { log } = context;
  const { writeTimeoutMs } = config.times;
  if (writeTimeoutMs < shortestWriteTimeoutMs)
    log.warn({ writeTimeoutMs, least: shortestWriteTimeoutMs }, 'write timeout is too short for production');
  const stops: (() => Promise<unknown> | unknown)[] = [];
  const phase = { started: false };
  const stop = async () => {
    phase.started = false;
    for (const one of stops.splice(0).reverse()) await one();
  };
  try {
    const database = await openDatabase({
      url: config.databaseUrl,
      schema: 'vyos_driver',
      migrations,
      applicationName: 'berth-vyos-driver',
    });
    stops.push(() => database.close());
    await database.migrate();
    const bus = await connectBus({
      url: config.natsUrl,
      prefix: config.prefix,
      name: 'vyos-driver',
      log,
      metrics: context.metrics,
      ...(context.fail && { fail: context.fail }),
    });
    stops.push(() => bus.drain());
    const outbox = new Outbox({ database, bus, streams: [streams.routerEvents, streams.events] });
    await outbox.start();
    stops.push(() => outbox.stop());
    const directory = new PostgresRouterDirectory(database);
    await directory.register(config.router.name);
    const worker = startWorker(config, context, { database, outbox, phase }, stops);
    stops.push(listenForRouterWork(bus, (name) => name === config.router.name && worker.wake()));
    const consumption = consumeRouterChanges({ bus, database, inbox: new PostgresChangeInbox(outbox) });
    stops.push(() => consumption.stop());
    stops.push(serveRouters(bus, directory));
    stops.push(serveQueue(bus, new PostgresQueue({ database, outbox })));
    await firstLook(worker, config.startLookMs);
    phase.started = true;
    return { ping: () => ping(database, bus), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startWorker(
  config: DriverConfig,
  { log, metrics, fail, beforeSend, clock = systemClock }: DriverContext,
  { database, outbox, phase }: { database: Database; outbox: Outbox; phase: { readonly started: boolean } },
  stops: (() => Promise<unknown> | unknown)[],
): RouterWorker {
  const { name, host, port, key, caFile, fingerprint } = config.router;
  const router = new RouterBreaker(new RouterClient({ host, port, key, caFile, fingerprint }), config.breaker);
  stops.push(() => router.close());
  const worker = new RouterWorker({
    name,
    router,
    leases: new PostgresLeaseStore(database),
    ledgerOf: (epoch) => new PostgresRouterLedger({ database, outbox }, name, epoch),
    times: config.times,
    wishes: config.wishes,
    log,
    clock,
    metrics: prometheusDriverMetrics(metrics),
    redact: (text) => redact(text, [key]),
    onProfileProblem: (problem) => phase.started && fail?.(new ConfigError([problem.message])),
    ...(beforeSend === undefined ? {} : { beforeSend }),
  });
  router.onChange(() => worker.wake());
  worker.start();
  stops.push(() => worker.stop());
  return worker;
}

async function firstLook(worker: RouterWorker, mostMs: number): Promise<void> {
  const enough = new AbortController();
  const looked = worker.looked().catch((problem: unknown) => {
    throw new ConfigError([problem instanceof Error ? problem.message : String(problem)]);
  });
  await Promise.race([looked.finally(() => enough.abort()), pause(mostMs, enough.signal)]);
}

async function ping(database: Database, bus: Bus): Promise<void> {
  await Promise.all([database.ping(), bus.ping()]);
}
