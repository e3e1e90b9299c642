import { ConfigError, type Logger } from '@berth/service-kit';
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { AuthorizationError, type NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { Registry } from 'prom-client';
import { type BusMetrics, busMetrics } from './bus-metrics.ts';
import { serversOf } from './servers-of.ts';
import { endsWithin } from './within.ts';

export interface BusOptions {
  /** `nats://user:password@host:port`, or several with commas. */
  readonly url: string;
  /** What stands in front of every subject and stream name, so that installations can share a server. */
  readonly prefix: string;
  /** Shown in the server's list of connections. */
  readonly name: string;
  readonly log: Logger;
  /** Where requests, deliveries and the outbox are counted. */
  readonly metrics?: Registry;
  /** Told when the connection is lost for good: the server refuses the credentials that it took before. */
  readonly fail?: (error: unknown) => void;
  /** On how many servers of a NATS cluster each stream is kept; default 1. */
  readonly streamReplicas?: number;
}

/** The connection to NATS. It never gives up reconnecting, except where its credentials are refused. */
export interface Bus {
  readonly connection: NatsConnection;
  readonly jetstream: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly prefix: string;
  readonly log: Logger;
  readonly registry: Registry;
  readonly metrics: BusMetrics;
  readonly streamReplicas: number;
  /** Whether the server is there now. */
  isConnected(): boolean;
  /** Work that must end before the connection closes. */
  track<T>(work: Promise<T>): Promise<T>;
  /** Something that takes in work: its stop is called first when the bus drains. Gives back how to take it off the list. */
  stopFirst(stop: () => Promise<void>): () => void;
  /** Throws when the server does not answer. Once it has answered, it knows of every subscription made before. */
  ping(): Promise<void>;
  /** Takes no new messages, waits for what is in work, sends what it answered, closes. Repeatable. */
  drain(): Promise<void>;
}

/** A server that does not answer must not hold up a stop for long. */
const drainMs = 2_000;
const tellWaitingMs = 2_000;

/** Connects, waiting as long as it takes for the server to come up. Refused credentials are a ConfigError at once. */
export async function connectBus(options: BusOptions): Promise<Bus> {
  const { prefix, name, log } = options;
  const waiting = setInterval(() => log.warn('waiting for the bus'), tellWaitingMs);
  const connection = await connect({
    ...serversOf(options.url),
    name,
    noAsyncTraces: true, // would make an Error for each request, whether it fails or not
    timeout: 2_000, // also governs reconnects; the default of 20 s would hide a server that is back
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 100,
    pingInterval: 5_000,
    maxPingOut: 2,
    waitOnFirstConnect: true,
  })
    .catch((error) => {
      throw error instanceof AuthorizationError
        ? new ConfigError(['NATS_URL: the server refuses these credentials'])
        : error;
    })
    .finally(() => clearInterval(waiting));
  const registry = options.metrics ?? new Registry();
  const metrics = busMetrics(registry);
  let connected = true;
  let draining: Promise<void> | undefined;
  metrics.connected.set(1);
  const noteStatus = (type: string, error?: unknown) => {
    if (type === 'disconnect') connected = false;
    if (type === 'reconnect') connected = true;
    metrics.connected.set(connected ? 1 : 0);
    if (['disconnect', 'reconnect', 'error', 'staleConnection'].includes(type) && draining === undefined)
      log.warn({ status: type, ...(error !== undefined && { err: error }) }, 'bus connection changed');
  };
  void (async () => {
    for await (const status of connection.status()) {
      noteStatus(status.type, status.type === 'error' ? status.error : undefined);
    }
  })();
  void connection.closed().then((error) => {
    connected = false;
    metrics.connected.set(0);
    if (draining !== undefined) return;
    log.error({ err: error }, 'bus connection lost for good');
    options.fail?.(error ?? new Error('the bus connection was closed'));
  });

  const inWork = new Set<Promise<unknown>>();
  const intakes = new Set<() => Promise<void>>();
  const drain = async (): Promise<void> => {
    await Promise.allSettled([...intakes].map((stop) => stop()));
    while (inWork.size > 0) await Promise.allSettled([...inWork]); // what is in work may bring more
    if (connection.isClosed()) return;
    if (connected && (await endsWithin(connection.drain(), drainMs))) return;
    await connection.close();
  };

  return {
    connection,
    jetstream: jetstream(connection, { timeout: 5_000 }),
    manager: await jetstreamManager(connection, { checkAPI: false, timeout: 5_000 }),
    prefix,
    log,
    registry,
    metrics,
    streamReplicas: options.streamReplicas ?? 1,
    isConnected: () => connected && !connection.isClosed(),
    async track(work) {
      inWork.add(work);
      try {
        return await work;
      } finally {
        inWork.delete(work);
      }
    },
    stopFirst(stop) {
      intakes.add(stop);
      return () => intakes.delete(stop);
    },
    async ping() {
      if (!connected || connection.isClosed()) throw new Error('not connected');
      await connection.rtt();
    },
    drain() {
      draining ??= drain();
      return draining;
    },
  };
}
