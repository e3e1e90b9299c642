import type { Logger } from '@berth/service-kit';
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';

export interface BusOptions {
  /** `nats://user:password@host:port`, or several with commas. */
  readonly url: string;
  /** What stands in front of every subject and stream name, so that installations can share a server. */
  readonly prefix: string;
  /** Shown in the server's list of connections. */
  readonly name: string;
  readonly log: Logger;
}

/** The connection to NATS. It never gives up reconnecting. */
export interface Bus {
  readonly connection: NatsConnection;
  readonly jetstream: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly prefix: string;
  readonly log: Logger;
  /** Work that must end before the connection closes. */
  track<T>(work: Promise<T>): Promise<T>;
  /** Throws when the server does not answer. */
  ping(): Promise<void>;
  /** Takes no new messages, waits for what is in work, closes. */
  drain(): Promise<void>;
}

const serversOf = (url: string): { servers: string[]; user?: string; pass?: string } => {
  const urls = url.split(',').map((one) => new URL(one.trim()));
  const first = urls[0];
  return {
    servers: urls.map((one) => one.host),
    ...(first?.username ? { user: decodeURIComponent(first.username), pass: decodeURIComponent(first.password) } : {}),
  };
};

/** Connects, waiting as long as it takes for the server to come up. */
export async function connectBus({ url, prefix, name, log }: BusOptions): Promise<Bus> {
  const connection = await connect({
    ...serversOf(url),
    name,
    timeout: 2_000, // also governs reconnects; the default of 20 s would hide a server that is back
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 100,
    pingInterval: 5_000,
    maxPingOut: 2,
    waitOnFirstConnect: true,
  });
  const inWork = new Set<Promise<unknown>>();
  void (async () => {
    for await (const status of connection.status()) {
      if (['disconnect', 'reconnect', 'error', 'staleConnection'].includes(status.type))
        log.warn({ status: status.type }, 'bus connection changed');
    }
  })();
  return {
    connection,
    jetstream: jetstream(connection, { timeout: 5_000 }),
    manager: await jetstreamManager(connection, { checkAPI: false, timeout: 5_000 }),
    prefix,
    log,
    async track(work) {
      inWork.add(work);
      try {
        return await work;
      } finally {
        inWork.delete(work);
      }
    },
    async ping() {
      if (connection.isClosed()) throw new Error('closed');
      await connection.rtt();
    },
    async drain() {
      await Promise.allSettled([...inWork]);
      if (!connection.isClosed()) await connection.drain();
    },
  };
}
