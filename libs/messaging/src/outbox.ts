import { randomUUID } from 'node:crypto';
import type { StreamContract } from '@berth/contracts';
import type { Database, Sql } from '@berth/database';
import { create, type DescMessage, type MessageInitShape, toBinary, toJsonString } from '@bufbuild/protobuf';
import { headers as natsHeaders } from '@nats-io/nats-core';
import type { Bus } from './bus.ts';
import { ensureStream, keptDays } from './streams.ts';
import { currentTrace } from './trace-headers.ts';

/** A message that leaves when the transaction it was sent in commits. */
export interface OutgoingMessage {
  readonly stream: StreamContract;
  /** Below the prefix. */
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

interface OutboxRow {
  readonly id: string;
  readonly stream: string;
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  readonly attempt: number;
}

/** A protobuf message for the outbox. */
export const binaryMessage = <T extends DescMessage>(
  stream: StreamContract,
  subject: string,
  schema: T,
  message: MessageInitShape<T>,
): OutgoingMessage => ({
  stream,
  subject,
  payload: toBinary(schema, create(schema, message)),
});

/** A public event for the outbox: CloudEvents 1.0, binary mode, the body as proto3 JSON. */
export const eventMessage = <T extends DescMessage>(
  event: { stream: StreamContract; subject: string; type: string; source: string; about: string },
  schema: T,
  message: MessageInitShape<T>,
): OutgoingMessage => ({
  stream: event.stream,
  subject: event.subject,
  payload: new TextEncoder().encode(toJsonString(schema, create(schema, message))),
  headers: {
    'content-type': 'application/json',
    'ce-specversion': '1.0',
    'ce-type': event.type,
    'ce-source': event.source,
    'ce-subject': event.about,
    'ce-time': new Date().toISOString(),
  },
});

/** Sends a message when the surrounding transaction commits. */
export type Send = (message: OutgoingMessage) => void;

const sweepEveryMs = 1_000;
const sweepSize = 500;
/** Younger rows are on their way by the immediate publish. */
const sweepAfter = '3 seconds';

/**
 * The transactional outbox: messages are rows that commit with the state they tell of. They are published at once after the commit;
 * a sweep sends what a crash, a lost connection or a wiped stream left behind. Consumers see each at least once; the row's id is the
 * message id (`<id>`, then `<id>.<attempt>` for sendings after a wipe).
 */
export class Outbox {
  readonly #database: Database;
  readonly #bus: Bus;
  readonly #streams: readonly StreamContract[];
  readonly #published: string[] = [];
  #marking: Promise<void> | undefined;
  #sweeping: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sweeps = 0;

  constructor(deps: { database: Database; bus: Bus; streams: readonly StreamContract[] }) {
    this.#database = deps.database;
    this.#bus = deps.bus;
    this.#streams = deps.streams;
  }

  /** Runs `work` in one transaction; what it sends leaves when that has committed. */
  async transaction<T>(work: (sql: Sql, send: Send) => Promise<T>): Promise<T> {
    let rows: OutboxRow[] = [];
    const result = await this.#database.transaction(async (sql) => {
      rows = []; // the transaction may run again
      const outcome = await work(sql, (message) => void rows.push(this.#toRow(message)));
      await insertRows(sql, rows);
      return outcome;
    });
    if (rows.length > 0) void this.#bus.track(this.#publish(rows));
    return result;
  }

  /** Makes the streams and starts the sweep. */
  async start(): Promise<void> {
    await this.sweep();
    this.#timer = setInterval(() => {
      this.#sweeping ??= this.sweep()
        .catch((error) => this.#bus.log.warn({ err: error }, 'outbox sweep failed'))
        .finally(() => {
          this.#sweeping = undefined;
        });
    }, sweepEveryMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sweeping;
    await this.#marking;
  }

  /** One pass: streams are there, wiped ones are filled again, left-behind rows are sent, rows past their time are dropped. */
  async sweep(): Promise<void> {
    for (const stream of this.#streams) await this.#noticeWipe(stream);
    while ((await this.#sendLeftBehind()) === sweepSize);
    if (this.#sweeps++ % 600 === 0) {
      await this.#database.execute(
        `DELETE FROM outbox WHERE published_at IS NOT NULL AND created_at < now() - interval '${keptDays} days'`,
      );
    }
  }

  #toRow(message: OutgoingMessage): OutboxRow {
    return {
      id: randomUUID(),
      stream: message.stream.name,
      subject: message.subject,
      payload: message.payload,
      headers: { ...currentTrace(), ...message.headers },
      attempt: 0,
    };
  }

  async #noticeWipe(stream: StreamContract): Promise<void> {
    const { created } = await ensureStream(this.#bus, stream);
    const [known] = await this.#database.query<{ created: string }>(
      'SELECT created FROM stream_generations WHERE stream = $1',
      [stream.name],
    );
    if (known?.created === created) return;
    await this.#database.transaction(async (sql) => {
      const [before] = await sql.query<{ created: string }>(
        'SELECT created FROM stream_generations WHERE stream = $1 FOR UPDATE',
        [stream.name],
      );
      if (before?.created === created) return; // another replica was first
      await sql.execute(
        'INSERT INTO stream_generations (stream, created) VALUES ($1, $2) ON CONFLICT (stream) DO UPDATE SET created = excluded.created',
        [stream.name, created],
      );
      if (before === undefined) return;
      const count = await sql.execute(
        `UPDATE outbox SET published_at = NULL, attempt = attempt + 1 WHERE stream = $1 AND published_at IS NOT NULL AND created_at > now() - interval '${keptDays} days'`,
        [stream.name],
      );
      this.#bus.log.warn({ stream: stream.name, count }, 'stream was wiped: publishing again');
    });
  }

  #sendLeftBehind(): Promise<number> {
    return this.#database.transaction(async (sql) => {
      const rows = await sql.query<OutboxRow>(
        `SELECT id, stream, subject, payload, headers, attempt FROM outbox
         WHERE published_at IS NULL AND (attempt > 0 OR created_at < now() - interval '${sweepAfter}')
         ORDER BY seq LIMIT ${sweepSize} FOR UPDATE SKIP LOCKED`,
      );
      const sent = await this.#sendAll(rows);
      await sql.execute('UPDATE outbox SET published_at = now() WHERE id = ANY($1)', [sent]);
      if (sent.length < rows.length) throw new Error(`${rows.length - sent.length} messages could not be published`);
      return rows.length;
    });
  }

  async #publish(rows: readonly OutboxRow[]): Promise<void> {
    this.#published.push(...(await this.#sendAll(rows)));
    this.#marking ??= this.#markPublished().finally(() => {
      this.#marking = undefined;
    });
    await this.#marking;
  }

  /** One statement for all that were published while the last one ran. */
  async #markPublished(): Promise<void> {
    while (this.#published.length > 0) {
      const ids = this.#published.splice(0);
      try {
        await this.#database.execute('UPDATE outbox SET published_at = now() WHERE id = ANY($1)', [ids]);
      } catch (error) {
        this.#bus.log.warn(
          { err: error, count: ids.length },
          'could not mark messages as published: the sweep sends them again',
        );
      }
    }
  }

  /** Gives back the ids of those that the stream has stored. */
  async #sendAll(rows: readonly OutboxRow[]): Promise<string[]> {
    const sent = await Promise.all(
      rows.map(async (row) => {
        const headers = natsHeaders();
        for (const [name, value] of Object.entries(row.headers)) headers.set(name, value);
        if (row.headers['ce-specversion']) headers.set('ce-id', row.id);
        try {
          await this.#bus.jetstream.publish(`${this.#bus.prefix}.${row.subject}`, row.payload, {
            msgID: row.attempt === 0 ? row.id : `${row.id}.${row.attempt}`,
            headers,
          });
          return row.id;
        } catch (error) {
          this.#bus.log.warn({ err: error, subject: row.subject }, 'publish failed: the sweep sends it again');
          return undefined;
        }
      }),
    );
    return sent.filter((id) => id !== undefined);
  }
}

const insertRows = async (sql: Sql, rows: readonly OutboxRow[]): Promise<void> => {
  if (rows.length === 0) return;
  await sql.execute(
    `INSERT INTO outbox (id, stream, subject, payload, headers)
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::jsonb[])`,
    [
      rows.map((row) => row.id),
      rows.map((row) => row.stream),
      rows.map((row) => row.subject),
      rows.map((row) => Buffer.from(row.payload)),
      rows.map((row) => JSON.stringify(row.headers)),
    ],
  );
};
