import { Writable } from 'node:stream';
import { SessionFactSchema, type StreamContract } from '@berth/contracts';
import { type Database, openDatabase } from '@berth/database';
import { createLogger, type Logger } from '@berth/service-kit';
import { freshDatabase, freshPrefix, type TestScope, testNats } from '@berth/testing';
import { Registry } from 'prom-client';
import type { ConsumeOptions } from '../src/consume.ts';
import {
  type Bus,
  binaryMessage,
  type Consumption,
  connectBus,
  consume,
  messagingTables,
  Outbox,
} from '../src/index.ts';

export const stream: StreamContract = { name: 'TEST', subjects: 'test.>', purpose: 'tests' };

/** A message that carries `id`. */
export const message = (id: string, subject = 'test.one') => binaryMessage(stream, subject, SessionFactSchema, { id });

/** A logger that keeps its lines. */
function recordingLogger(): { log: Logger; text: () => string } {
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  return { log: createLogger('test', 'debug', sink), text: () => lines.join('') };
}

/** A service's side of the bus: its database, and connections that are drained after the test. */
export interface World {
  readonly database: Database;
  readonly natsUrl: string;
  readonly prefix: string;
  readonly log: Logger;
  readonly logged: () => string;
  /** A connection of its own, as another replica has. */
  bus(): Promise<Bus & { readonly registry: Registry }>;
  /** A started outbox; stopped after the test. */
  outbox(bus: Bus): Promise<Outbox>;
  consume(bus: Bus, options: Partial<ConsumeOptions<typeof SessionFactSchema>> & Handling): Consumption;
}

export type Handling = Pick<ConsumeOptions<typeof SessionFactSchema>, 'handle'>;

export async function newWorld(t: TestScope, nats?: { url: string }): Promise<World> {
  const prefix = nats === undefined ? freshPrefix(t) : 'own';
  const [{ url }, { url: natsUrl }] = await Promise.all([freshDatabase(t), nats ?? testNats()]);
  const database = await openDatabase({
    url,
    schema: 'messages',
    migrations: [messagingTables],
    applicationName: 'messaging-test',
    poolSize: 20,
  });
  await database.migrate();
  const buses: Bus[] = [];
  t.after(async () => {
    await Promise.all(buses.map((bus) => bus.drain()));
    await database.close();
  });
  const { log, text } = recordingLogger();
  return {
    database,
    natsUrl,
    prefix,
    log,
    logged: text,
    async bus() {
      const bus = await connectBus({ url: natsUrl, prefix, name: 'test', log, metrics: new Registry() });
      buses.push(bus);
      return bus;
    },
    async outbox(bus) {
      const outbox = new Outbox({ database, bus, streams: [stream] });
      await outbox.start();
      t.after(() => outbox.stop());
      return outbox;
    },
    consume: (bus, options) =>
      consume({ bus, database }, { stream, durable: 'reader', schema: SessionFactSchema, ...options }),
  };
}

/** A number among the metrics, e.g. `berth_outbox_published_total{stream="TEST",way="sweep"}`; 0 where it is absent. */
export async function metric(registry: Registry, line: string): Promise<number> {
  const found = (await registry.metrics()).split('\n').find((one) => one.startsWith(`${line} `));
  return Number(found?.slice(line.length + 1) ?? 0);
}
