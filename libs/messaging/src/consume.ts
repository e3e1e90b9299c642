import type { StreamContract } from '@berth/contracts';
import type { Database } from '@berth/database';
import { DomainError, isKind } from '@berth/errors';
import { type DescMessage, fromBinary, fromJsonString, type MessageShape } from '@bufbuild/protobuf';
import {
  AckPolicy,
  type ConsumerMessages,
  DeliverPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JsMsg,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import { backoffMs } from './backoff.ts';
import type { Bus } from './bus.ts';
import { ensureStream, streamName } from './streams.ts';
import { inMessageSpan } from './trace-headers.ts';

/** A message of a stream, read. */
export interface Received<T> {
  readonly message: T;
  /** The outbox row's id: the same for every sending of it. */
  readonly messageId: string;
  readonly subject: string;
  /** From 1. */
  readonly deliveryCount: number;
  /** Header values, e.g. `traceparent`. */
  header(name: string): string | undefined;
}

export interface ConsumeOptions<T extends DescMessage> {
  readonly stream: StreamContract;
  /** Below the prefix; all of the stream when absent. */
  readonly filter?: string;
  /** Replicas that share a name share the work. */
  readonly durable: string;
  readonly schema: T;
  /**
   * Handles what waits, at most `batchSize` at once. Must be safe to repeat. When it throws for several, each is tried alone, so that
   * one bad message harms no other. `invalid` ends a message for good (it is recorded as a dead letter); anything else is tried again
   * later, for ever, with growing pauses.
   */
  readonly handle: (batch: readonly Received<MessageShape<T>>[]) => Promise<void>;
  readonly batchSize?: number;
}

/** A running consumer. */
export interface Consumption {
  /** Takes no more and waits for what is in work. */
  stop(): Promise<void>;
}

const ackWaitMs = 30_000;

const isMissing = (error: unknown): boolean =>
  error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound;

/** Consumes a stream until stopped; streams and consumers that vanish are made again. Dead letters go to the service's own table. */
export function consume<T extends DescMessage>(
  deps: { bus: Bus; database: Database },
  options: ConsumeOptions<T>,
): Consumption {
  const { bus, database } = deps;
  const batchSize = options.batchSize ?? 100;
  const waiting: JsMsg[] = [];
  let stopped = false;
  let messages: ConsumerMessages | undefined;
  let working: Promise<void> | undefined;

  const read = (message: JsMsg): Received<MessageShape<T>> => {
    try {
      const json = message.headers?.get('content-type').includes('json') ?? false;
      return {
        message: json
          ? fromJsonString(options.schema, message.string(), { ignoreUnknownFields: true })
          : fromBinary(options.schema, message.data),
        messageId: messageIdOf(message),
        subject: message.subject.slice(bus.prefix.length + 1),
        deliveryCount: message.info.deliveryCount,
        header: (name) => message.headers?.get(name) || undefined,
      };
    } catch (error) {
      throw new DomainError('invalid', 'MALFORMED_MESSAGE', 'The message could not be read.', {}, { cause: error });
    }
  };

  const refuse = async (message: JsMsg, error: unknown): Promise<void> => {
    if (!isKind(error, 'invalid')) {
      bus.log.warn(
        { err: error, consumer: options.durable, deliveryCount: message.info.deliveryCount },
        'message is tried again later',
      );
      return message.nak(backoffMs(message.info.deliveryCount));
    }
    await database.execute(
      'INSERT INTO dead_letters (consumer, subject, message_id, payload, reason) VALUES ($1, $2, $3, $4, $5)',
      [options.durable, message.subject, messageIdOf(message), Buffer.from(message.data), error.message],
    );
    bus.log.error(
      { err: error, consumer: options.durable, subject: message.subject },
      'message ended as a dead letter',
    );
    message.term(); // without a reason: server 2.9 ignores one and would redeliver for ever
  };

  const handleOne = async (message: JsMsg): Promise<void> => {
    try {
      await inMessageSpan(`consume ${options.durable}`, 'consumer', message, async () =>
        options.handle([read(message)]),
      );
      message.ack();
    } catch (error) {
      await refuse(message, error).catch((failure) => {
        bus.log.warn({ err: failure }, 'message could not be refused: it comes again after its ack wait');
      });
    }
  };

  const handleBatch = async (batch: readonly JsMsg[]): Promise<void> => {
    const [only] = batch;
    if (only && batch.length === 1) return handleOne(only);
    try {
      await options.handle(batch.map(read));
      for (const message of batch) message.ack();
    } catch {
      for (const message of batch) await handleOne(message);
    }
  };

  const work = async (): Promise<void> => {
    while (waiting.length > 0) await handleBatch(waiting.splice(0, batchSize));
  };

  const receive = (message: JsMsg): void => {
    waiting.push(message);
    working ??= bus.track(work()).finally(() => {
      working = undefined;
    });
  };

  const run = async (): Promise<void> => {
    for (let failures = 0; !stopped; ) {
      try {
        await ensureStream(bus, options.stream);
        await ensureConsumer(bus, options);
        const consumer = await bus.jetstream.consumers.get(streamName(bus, options.stream), options.durable);
        messages = await consumer.consume({
          max_messages: Math.max(2 * batchSize, 100),
          abort_on_missing_resource: true,
          idle_heartbeat: 2_000,
          callback: receive,
        });
        failures = 0;
        const failure = await messages.closed();
        if (!stopped && failure) throw failure;
      } catch (error) {
        if (stopped) return;
        failures++;
        bus.log.warn({ err: error, consumer: options.durable }, 'consumer interrupted: starting it again');
        await pause(backoffMs(failures, { mostMs: 5_000 }));
      }
    }
  };
  let wakeUp: () => void = () => {};
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const running = run();

  return {
    async stop() {
      stopped = true;
      messages?.stop();
      wakeUp();
      waiting.length = 0; // not acknowledged: another replica gets them
      await running;
      await working;
    },
  };
}

const messageIdOf = (message: JsMsg): string =>
  (message.headers?.get('Nats-Msg-Id') ?? String(message.seq)).replace(/\.\d+$/, '');

async function ensureConsumer(
  bus: Bus,
  options: { stream: StreamContract; durable: string; filter?: string },
): Promise<void> {
  const stream = streamName(bus, options.stream);
  try {
    await bus.manager.consumers.info(stream, options.durable);
  } catch (error) {
    if (!isMissing(error)) throw error;
    await bus.manager.consumers.add(stream, {
      durable_name: options.durable,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(ackWaitMs),
      deliver_policy: DeliverPolicy.All,
      max_deliver: -1,
      max_ack_pending: 5_000,
      ...(options.filter === undefined ? {} : { filter_subject: `${bus.prefix}.${options.filter}` }),
    });
  }
}
