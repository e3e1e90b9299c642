import { streams } from '@berth/contracts';
import { type Database, openDatabase } from '@berth/database';
import { type Bus, connectBus, Outbox } from '@berth/messaging';
import { ConfigError, type Logger } from '@berth/service-kit';
import type { Registry } from 'prom-client';
import { consumeRouterChanges } from './adapters/nats/consume-router-changes.ts';
import { PostgresChangeInbox } from './adapters/postgres/changes/postgres-change-inbox.ts';
import { migrations } from './adapters/postgres/migrations/index.ts';
import { pause } from './app/bell.ts';
import type { Clock } from './app/clock.ts';
import type { DriverConfig } from './config.ts';
import { startAnswers } from './start-answers.ts';
import { startRouters } from './start-routers.ts';

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
 * Starts the driver: schema, consumer, answers, the routers' workers. Throws a ConfigError that lists the choices when the router of the settings was
 * read and its place in the network is ambiguous or contradicts the settings; a router that does not answer is no reason not to start.
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
    const outbox = new Outbox({ database, bus, streams: [streams.routerEvents, streams.events, streams.audit] });
    await outbox.start();
    stops.push(() => outbox.stop());
    const fleet = await startRouters({ config, context, database, bus, outbox, phase, stops });
    const consumption = consumeRouterChanges({ bus, database, inbox: new PostgresChangeInbox(outbox) });
    stops.push(() => consumption.stop());
    startAnswers({ config, log, database, bus, outbox, stops });
    await bus.ping(); // the server knows of the subscriptions now
    await firstLook(fleet.looked(config.router.name), config.startLookMs);
    phase.started = true;
    return { ping: () => ping(database, bus), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function firstLook(looking: Promise<void>, mostMs: number): Promise<void> {
  const enough = new AbortController();
  const looked = looking.catch((problem: unknown) => {
    throw new ConfigError([problem instanceof Error ? problem.message : String(problem)]);
  });
  await Promise.race([looked.finally(() => enough.abort()), pause(mostMs, enough.signal)]);
}

async function ping(database: Database, bus: Bus): Promise<void> {
  await Promise.all([database.ping(), bus.ping()]);
}
