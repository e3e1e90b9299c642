import { Counter, Gauge, Histogram, Registry } from 'prom-client';

const secondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/** What is counted about messages. Labels are names of our own: methods, streams, consumers. */
export interface BusMetrics {
  /** 1 while connected. */
  readonly connected: Gauge;
  /** From asking to the answer, by method and outcome (`ok` or the error's kind). */
  readonly requestSeconds: Histogram<'method' | 'outcome'>;
  /** From the request's arrival to our answer. */
  readonly serveSeconds: Histogram<'method' | 'outcome'>;
  /** Messages that a stream has stored; `way` is `commit` (at once) or `sweep` (left behind by a crash, an outage or a wipe). */
  readonly published: Counter<'stream' | 'way'>;
  readonly publishFailures: Counter<'stream'>;
  /** Handled messages by outcome: `handled`, `retried`, `dead`. */
  readonly consumed: Counter<'consumer' | 'outcome'>;
  readonly redeliveries: Counter<'consumer'>;
  /** One call of the handler, whatever the size of its batch. */
  readonly handleSeconds: Histogram<'consumer'>;
}

/** Numbers of a service's outbox, asked for when they are read. */
export interface OutboxMetrics {
  /** Messages that wait, and the age of the oldest in seconds; undefined when the database does not answer. */
  readonly read: () => Promise<{ waiting: number; oldestSeconds: number } | undefined>;
}

const made = new WeakMap<Registry, BusMetrics>();

/** The metrics in `registry`, made there once; several connections of a process share them. */
export function busMetrics(registry: Registry = new Registry()): BusMetrics {
  const known = made.get(registry);
  if (known) return known;
  const registers = [registry];
  const metrics: BusMetrics = {
    connected: new Gauge({ name: 'berth_bus_connected', help: '1 while connected to NATS', registers }),
    requestSeconds: new Histogram({
      name: 'berth_bus_request_seconds',
      help: 'Requests to other services, from asking to the answer',
      labelNames: ['method', 'outcome'],
      buckets: secondsBuckets,
      registers,
    }),
    serveSeconds: new Histogram({
      name: 'berth_bus_serve_seconds',
      help: 'Requests of other services, from arrival to our answer',
      labelNames: ['method', 'outcome'],
      buckets: secondsBuckets,
      registers,
    }),
    published: new Counter({
      name: 'berth_outbox_published_total',
      help: 'Messages stored by a stream, at once after their commit or by the sweep',
      labelNames: ['stream', 'way'],
      registers,
    }),
    publishFailures: new Counter({
      name: 'berth_outbox_publish_failures_total',
      help: 'Attempts to publish that failed; the sweep repeats them',
      labelNames: ['stream'],
      registers,
    }),
    consumed: new Counter({
      name: 'berth_consumer_messages_total',
      help: 'Messages by what became of this delivery',
      labelNames: ['consumer', 'outcome'],
      registers,
    }),
    redeliveries: new Counter({
      name: 'berth_consumer_redeliveries_total',
      help: 'Messages that came not for the first time',
      labelNames: ['consumer'],
      registers,
    }),
    handleSeconds: new Histogram({
      name: 'berth_consumer_handle_seconds',
      help: 'Calls of the handler, whatever the size of the batch',
      labelNames: ['consumer'],
      buckets: secondsBuckets,
      registers,
    }),
  };
  made.set(registry, metrics);
  return metrics;
}

/** Gauges of the outbox, read from the database at each scrape. */
export function outboxGauges(registry: Registry, { read }: OutboxMetrics): void {
  if (registry.getSingleMetric('berth_outbox_backlog')) return; // a second outbox of this process looks at the same table
  const oldest = new Gauge({
    name: 'berth_outbox_oldest_seconds',
    help: 'Age of the oldest message that is not published yet',
    registers: [registry],
  });
  new Gauge({
    name: 'berth_outbox_backlog',
    help: 'Messages that are committed and not published yet',
    registers: [registry],
    async collect() {
      const state = await read();
      if (state === undefined) return;
      this.set(state.waiting);
      oldest.set(state.oldestSeconds);
    },
  });
}
