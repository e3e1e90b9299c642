import { randomUUID } from 'node:crypto';
import type { StreamContract } from '@berth/contracts';
import type { Database, EntityManager, Sql } from '@berth/database';
import { headers as natsHeaders } from '@nats-io/nats-core';
import type { Bus } from './bus.ts';
import { outboxGauges } from './bus-metrics.ts';
import {
  backlogOf,
  dropOldRows,
  insertRows,
  markPublished,
  noteGeneration,
  type OutboxRow,
  type StoredRow,
  takeLeftBehind,
} from './outbox-rows.ts';
import type { OutgoingMessage } from './outgoing-message.ts';
import { ensureStream } from './streams.ts';
import { currentTrace } from './trace-headers.ts';

/** Sends a message when the surrounding transaction commits. */
export type Send = (message: OutgoingMessage) => void;

const sweepEveryMs = 1_000;
const sweepSize = 500;
const tidyEveryMs = 600_000;

/**
 * The transactional outbox: messages are rows that commit with the state they tell of. They are published at once after the commit;
 * a sweep sends what a crash, a lost connection or a wiped stream left behind. Consumers see each at least once; the row's id is the
 * message id (`<id>`, then `<id>.<attempt>` for sendings after a wipe).
 */
export class Outbox {
  readonly #database: Database;
  readonly #bus: Bus;
  readonly #streams: readonly StreamContract[];
  /** When each stream was created, as last seen by this process. */
  readonly #created = new Map<string, string>();
  readonly #stored: StoredRow[] = [];
  /** What this process could not publish: the next sweep need not wait for their age. */
  readonly #failed = new Set<string>();
  readonly #publishing = new Set<Promise<void>>();
  #marking: Promise<void> | undefined;
  #sweeping: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #tidiedAt = Number.NEGATIVE_INFINITY;

  constructor(deps: { database: Database; bus: Bus; streams: readonly StreamContract[] }) {
    this.#database = deps.database;
    this.#bus = deps.bus;
    this.#streams = deps.streams;
  }

  /** Runs `work` in one transaction; what it sends leaves when that has committed. */
  transaction<T>(work: (sql: Sql, send: Send) => Promise<T>): Promise<T> {
    return this.#sending((sendingIn) => this.#database.transaction((sql) => sendingIn(sql, (send) => work(sql, send))));
  }

  /** The same for work with entities in the transaction of `sql`: their changes are written before the messages are. */
  entityTransaction<T>(work: (entities: EntityManager, sql: Sql, send: Send) => Promise<T>): Promise<T> {
    return this.#sending((sendingIn) =>
      this.#database.entityTransaction((entities, sql) =>
        sendingIn(sql, async (send) => {
          const outcome = await work(entities, sql, send);
          await entities.flush();
          return outcome;
        }),
      ),
    );
  }

  /** Makes the streams and starts the sweep. */
  async start(): Promise<void> {
    outboxGauges(this.#bus.registry, { read: () => backlogOf(this.#database).catch(() => undefined) });
    await this.sweep();
    this.#timer = setInterval(() => this.#sweepSoon(), sweepEveryMs);
  }

  /** Ends the sweep and waits for what is being published. What is not published yet stays for the next start. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await Promise.all(this.#publishing);
    await this.#sweeping;
    await this.#marking;
  }

  /** One pass: streams are there, wiped ones are filled again, left-behind rows are sent, rows past their time are dropped. */
  async sweep(): Promise<void> {
    if (!this.#bus.isConnected()) return; // nothing could be sent, and what is written to a lost connection is sent late
    for (const stream of this.#streams) await this.#noticeWipe(stream);
    let pass: { found: number; stored: number };
    do {
      pass = await this.#sendLeftBehind();
    } while (pass.found === sweepSize && pass.stored === pass.found);
    if (performance.now() - this.#tidiedAt < tidyEveryMs) return;
    this.#tidiedAt = performance.now();
    await dropOldRows(this.#database);
  }

  /** Runs a transaction that puts what is sent in it into the outbox at its end, and publishes it after its commit. */
  async #sending<T>(
    transaction: (inside: (sql: Sql, work: (send: Send) => Promise<T>) => Promise<T>) => Promise<T>,
  ): Promise<T> {
    let rows: OutboxRow[] = [];
    const result = await transaction(async (sql, work) => {
      rows = []; // the transaction may run again
      const outcome = await work((message) => void rows.push(this.#toRow(message)));
      await insertRows(sql, rows);
      return outcome;
    });
    if (rows.length > 0) this.#publishSoon(rows);
    return result;
  }

  #toRow(message: OutgoingMessage): OutboxRow {
    if (!this.#streams.some(({ name }) => name === message.stream.name)) {
      throw new Error(`this outbox does not serve the stream ${message.stream.name}`); // nobody would notice its wipe
    }
    return {
      id: randomUUID(),
      stream: message.stream.name,
      subject: message.subject,
      payload: message.payload,
      headers: { ...currentTrace(), ...message.headers },
      attempt: 0,
    };
  }

  #sweepSoon(): void {
    this.#sweeping ??= this.sweep()
      .catch((error) => this.#bus.log.warn({ err: error }, 'outbox sweep failed'))
      .finally(() => {
        this.#sweeping = undefined;
      });
  }

  async #noticeWipe(stream: StreamContract): Promise<void> {
    const { created } = await ensureStream(this.#bus, stream);
    if (this.#created.get(stream.name) === created) return;
    const count = await this.#database.transaction((sql) => noteGeneration(sql, stream.name, created));
    this.#created.set(stream.name, created);
    if (count > 0) this.#bus.log.warn({ stream: stream.name, count }, 'stream was wiped: publishing again');
  }

  /** The rows stay locked while they are sent, so that no other replica sends them too. */
  #sendLeftBehind(): Promise<{ found: number; stored: number }> {
    return this.#database.transaction(async (sql) => {
      const failed = [...this.#failed];
      this.#failed.clear(); // those that fail again come back
      const rows = await takeLeftBehind(sql, failed, sweepSize);
      if (rows.length === 0) return { found: 0, stored: 0 };
      const stored = await this.#sendAll(rows, 'sweep');
      await markPublished(sql, stored);
      return { found: rows.length, stored: stored.length };
    });
  }

  #publishSoon(rows: readonly OutboxRow[]): void {
    const work = this.#bus.track(this.#publish(rows)).finally(() => this.#publishing.delete(work));
    this.#publishing.add(work);
  }

  async #publish(rows: readonly OutboxRow[]): Promise<void> {
    if (!this.#bus.isConnected()) return; // the sweep sends them
    this.#stored.push(...(await this.#sendAll(rows, 'commit')));
    this.#marking ??= this.#markStored().finally(() => {
      this.#marking = undefined;
    });
    await this.#marking;
  }

  /** One statement for all that were stored while the last one ran. */
  async #markStored(): Promise<void> {
    while (this.#stored.length > 0) {
      const rows = this.#stored.splice(0);
      try {
        await markPublished(this.#database, rows);
      } catch (error) {
        this.#bus.log.warn(
          { err: error, count: rows.length },
          'could not mark messages as published: the sweep sends them again',
        );
      }
    }
  }

  /** Gives back those that their stream has stored. */
  async #sendAll(rows: readonly OutboxRow[], way: 'commit' | 'sweep'): Promise<StoredRow[]> {
    const sent = await Promise.all(rows.map((row) => this.#send(row, way)));
    const failures = sent.filter(({ failure }) => failure !== undefined);
    if (failures[0] !== undefined) {
      // One line for all: they fail together when the server or the stream is away.
      this.#bus.log.warn(
        { err: failures[0].failure, count: failures.length },
        'publish failed: the sweep sends it again',
      );
      // The sweep makes a missing stream again. It waits for its turn when it was the sweep that failed.
      if (way === 'commit' && this.#timer !== undefined) this.#sweepSoon();
    }
    return sent.flatMap(({ stored }) => (stored === undefined ? [] : [stored]));
  }

  async #send(row: OutboxRow, way: 'commit' | 'sweep'): Promise<{ stored?: StoredRow; failure?: unknown }> {
    const created = this.#created.get(row.stream) ?? ''; // as seen before the sending: an older view only means a repeat
    try {
      await this.#bus.jetstream.publish(`${this.#bus.prefix}.${row.subject}`, row.payload, {
        msgID: row.attempt === 0 ? row.id : `${row.id}.${row.attempt}`,
        headers: headersOf(row),
      });
    } catch (failure) {
      this.#failed.add(row.id);
      this.#bus.metrics.publishFailures.inc({ stream: row.stream });
      return { failure };
    }
    this.#bus.metrics.published.inc({ stream: row.stream, way });
    return { stored: { id: row.id, stream: row.stream, created } };
  }
}

function headersOf(row: OutboxRow) {
  const headers = natsHeaders();
  for (const [name, value] of Object.entries(row.headers)) headers.set(name, value);
  if (row.headers['ce-specversion']) headers.set('ce-id', row.id);
  return headers;
}
