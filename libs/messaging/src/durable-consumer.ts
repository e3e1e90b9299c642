import type { StreamContract } from '@berth/contracts';
import { AckPolicy, type Consumer, DeliverPolicy, JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import type { Bus } from './bus.ts';
import { ensureStream, streamName } from './streams.ts';

/** Short, because it is how long the messages of a crashed replica wait. */
export const usualAckWaitMs = 10_000;

const isMissing = (error: unknown): boolean =>
  error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound;

/** The durable consumer, made where it or its stream is missing. It begins with all that the stream holds. */
export async function durableConsumer(
  bus: Bus,
  options: { stream: StreamContract; durable: string; filter?: string; ackWaitMs?: number },
): Promise<Consumer> {
  await ensureStream(bus, options.stream);
  const stream = streamName(bus, options.stream);
  try {
    return await bus.jetstream.consumers.get(stream, options.durable);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  await bus.manager.consumers.add(stream, {
    durable_name: options.durable,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(options.ackWaitMs ?? usualAckWaitMs),
    deliver_policy: DeliverPolicy.All,
    max_deliver: -1,
    max_ack_pending: 5_000,
    ...(options.filter === undefined ? {} : { filter_subject: `${bus.prefix}.${options.filter}` }),
  });
  return bus.jetstream.consumers.get(stream, options.durable);
}
