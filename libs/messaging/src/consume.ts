import type { StreamContract } from '@berth/contracts';
import type { Database } from '@berth/database';
import { isKind } from '@berth/errors';
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import { backoffMs } from './backoff.ts';
import type { Bus } from './bus.ts';
import { durableConsumer, usualAckWaitMs } from './durable-consumer.ts';
import { dropOldInboxIds } from './inbox.ts';
import { messageIdOf, type Received, readReceived } from './received.ts';
import { inMessageSpan } from './trace-headers.ts';
import { endsWithin } from './within.ts';

export interface ConsumeOptions<T extends DescMessage> {
  readonly stream: StreamContract;
  /** Below the prefix; all of the stream when absent. */
  readonly filter?: string;
  /** Replicas that share a name share the work. */
  readonly durable: string;
  readonly schema: T;
  /**
   * Handles what waits, at most `batchSize` at once. Must be safe to repeat. When it throws for several, each is tried alone, so that
   * one bad message harms no other (`unavailable` concerns all: then all are tried again later). `invalid` ends a message for good (it
   * is recorded as a dead letter); anything else is tried again later, for ever, with growing pauses. It may take its time: the message
   * is kept from other replicas meanwhile, for ten minutes at most.
   */
  readonly handle: (batch: readonly Received<MessageShape<T>>[]) => Promise<void>;
  readonly batchSize?: number;
  /**
   * How long the server waits for an answer before it gives a message to another replica, which is after a crash, for a living one says
   * that it is at work. Default 10 s. Counts when the consumer is made.
   */
  readonly ackWaitMs?: number;
}

/** A running consumer. */
export interface Consumption {
  /** Takes no more, gives back what it has not begun, and waits for what is in work. Repeatable. */
  stop(): Promise<void>;
}

/** After this long a handler counts as stuck, and its message goes to another replica. */
const longestHoldMs = 600_000;
const tidyEveryMs = 3_600_000;
const fetchMs = 5_000;
/** A server that does not answer must not hold up a stop for long. */
const drainMs = 2_000;
/** How soon a vanished consumer or a silent server is noticed: after two of these. */
const heartbeatMs = 2_000;

/** Consumes a stream until stopped; streams and consumers that vanish are made again. Dead letters go to the service's own table. */
export function consume<T extends DescMessage>(
  deps: { bus: Bus; database: Database },
  options: ConsumeOptions<T>,
): Consumption {
  const consumption = new StreamConsumption(deps, options);
  const forget = deps.bus.stopFirst(() => consumption.stop());
  consumption.start();
  return {
    stop() {
      forget();
      return consumption.stop();
    },
  };
}

/** What came and is not answered, from arrival to ack, nak or term. */
class StreamConsumption<T extends DescMessage> {
  readonly #bus: Bus;
  readonly #database: Database;
  readonly #options: ConsumeOptions<T>;
  readonly #batchSize: number;
  readonly #waiting: JsMsg[] = [];
  /** Since when each message is ours. */
  readonly #held = new Map<JsMsg, number>();
  readonly #timers: NodeJS.Timeout[] = [];
  #stopped = false;
  #messages: ConsumerMessages | undefined;
  #running: Promise<void> | undefined;
  #working: Promise<void> | undefined;
  #wake: () => void = () => {};

  constructor({ bus, database }: { bus: Bus; database: Database }, options: ConsumeOptions<T>) {
    this.#bus = bus;
    this.#database = database;
    this.#options = options;
    this.#batchSize = options.batchSize ?? 100;
  }

  start(): void {
    this.#timers.push(setInterval(() => this.#holdOn(), (this.#options.ackWaitMs ?? usualAckWaitMs) / 3));
    this.#timers.push(setInterval(() => this.#tidy(), tidyEveryMs));
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    for (const message of this.#waiting.splice(0)) this.#giveBack(message);
    if (this.#messages) await endFetch(this.#messages);
    await this.#running;
    await this.#working;
    for (const timer of this.#timers) clearInterval(timer);
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#stopped; ) {
      try {
        const consumer = await durableConsumer(this.#bus, this.#options);
        failures = 0;
        while (!this.#stopped) {
          await this.#room();
          if (this.#stopped) return;
          // Asked for by number, because an endless consume() takes what comes, however slow the handler is.
          this.#messages = await consumer.fetch({
            max_messages: 2 * this.#batchSize - this.#waiting.length,
            expires: fetchMs,
            idle_heartbeat: heartbeatMs,
          });
          if (this.#stopped) await endFetch(this.#messages);
          for await (const message of this.#messages) this.#receive(message);
        }
      } catch (error) {
        if (this.#stopped) return;
        failures++;
        this.#bus.log.warn({ err: error, consumer: this.#options.durable }, 'consumer interrupted: starting it again');
        await this.#pause(backoffMs(failures, { mostMs: 5_000 }));
      }
    }
  }

  /** Until less than a batch waits. */
  async #room(): Promise<void> {
    while (!this.#stopped && this.#waiting.length >= this.#batchSize) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #receive(message: JsMsg): void {
    if (message.info.deliveryCount > 1) this.#bus.metrics.redeliveries.inc({ consumer: this.#options.durable });
    this.#held.set(message, performance.now());
    if (this.#stopped) {
      this.#giveBack(message);
      return;
    }
    this.#waiting.push(message);
    this.#working ??= this.#bus.track(this.#work()).finally(() => {
      this.#working = undefined;
    });
  }

  async #work(): Promise<void> {
    await Promise.resolve(); // what arrived together is taken together
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#batchSize);
      this.#wake();
      await this.#handleBatch(batch);
    }
  }

  async #handleBatch(batch: readonly JsMsg[]): Promise<void> {
    const readable = new Map<JsMsg, Received<MessageShape<T>>>();
    for (const message of batch) {
      try {
        readable.set(message, readReceived(this.#bus, this.#options.schema, message));
      } catch (error) {
        await this.#refuse(message, error);
      }
    }
    const [only, ...more] = readable;
    if (only === undefined) return;
    if (more.length === 0) return this.#handleOne(...only); // in the trace that the message came from
    try {
      await this.#handle([...readable.values()]);
      for (const message of readable.keys()) this.#acknowledge(message);
    } catch (error) {
      for (const [message, received] of readable) {
        if (isKind(error, 'unavailable')) await this.#refuse(message, error);
        else await this.#handleOne(message, received);
      }
    }
  }

  async #handleOne(message: JsMsg, received: Received<MessageShape<T>>): Promise<void> {
    if (this.#stopped) return this.#giveBack(message); // the rest of a batch that is tried one by one
    try {
      await inMessageSpan(`consume ${this.#options.durable}`, 'consumer', message, () => this.#handle([received]));
      this.#acknowledge(message);
    } catch (error) {
      await this.#refuse(message, error);
    }
  }

  async #handle(batch: readonly Received<MessageShape<T>>[]): Promise<void> {
    const stopClock = this.#bus.metrics.handleSeconds.startTimer({ consumer: this.#options.durable });
    try {
      await this.#options.handle(batch);
    } finally {
      stopClock();
    }
  }

  #acknowledge(message: JsMsg): void {
    this.#settle(message, 'handled', () => message.ack());
  }

  /** For another replica, at once. */
  #giveBack(message: JsMsg): void {
    this.#held.delete(message);
    message.nak();
  }

  #settle(message: JsMsg, outcome: 'handled' | 'retried' | 'dead', answer: () => void): void {
    this.#held.delete(message);
    this.#bus.metrics.consumed.inc({ consumer: this.#options.durable, outcome });
    answer();
  }

  async #refuse(message: JsMsg, error: unknown): Promise<void> {
    const { deliveryCount } = message.info;
    const later = (why: unknown, text: string) => {
      this.#bus.log.warn({ err: why, consumer: this.#options.durable, deliveryCount }, text);
      this.#settle(message, 'retried', () => message.nak(backoffMs(deliveryCount)));
    };
    if (!isKind(error, 'invalid')) return later(error, 'message is tried again later');
    try {
      await this.#database.execute(
        `INSERT INTO dead_letters (consumer, subject, message_id, payload, reason) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (consumer, message_id) DO NOTHING`,
        [this.#options.durable, message.subject, messageIdOf(message), Buffer.from(message.data), error.message],
      );
    } catch (failure) {
      return later(failure, 'dead letter could not be recorded: message is tried again later');
    }
    this.#bus.log.error(
      { err: error, consumer: this.#options.durable, subject: message.subject },
      'message ended as a dead letter',
    );
    this.#settle(message, 'dead', () => message.term()); // without a reason: server 2.9 ignores one and would redeliver for ever
  }

  /** Tells the server that we are at it, so that it gives the messages to nobody else. */
  #holdOn(): void {
    const now = performance.now();
    for (const [message, since] of this.#held) {
      if (now - since < longestHoldMs) message.working();
      else {
        this.#held.delete(message);
        this.#bus.log.error({ consumer: this.#options.durable, subject: message.subject }, 'handler seems to be stuck');
      }
    }
  }

  #tidy(): void {
    dropOldInboxIds(this.#database, this.#options.durable).catch((error) => {
      this.#bus.log.warn({ err: error, consumer: this.#options.durable }, 'inbox could not be tidied');
    });
  }
}

/**
 * Ends a fetch without losing what is on its way: `stop()` alone drops that, and the server would give it to others only after the ack
 * wait. The library knows how to end by draining its subscription, but offers no method for it (seen in 3.4.0; a test holds it).
 */
async function endFetch(messages: ConsumerMessages): Promise<void> {
  const subscription: unknown = Reflect.get(messages, 'sub');
  if (isDrainable(subscription)) await endsWithin(subscription.drain(), drainMs);
  messages.stop();
}

const isDrainable = (value: unknown): value is { drain(): Promise<void> } =>
  typeof value === 'object' && value !== null && 'drain' in value && typeof value.drain === 'function';
