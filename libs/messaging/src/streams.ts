import { setTimeout as delay } from 'node:timers/promises';
import type { StreamContract } from '@berth/contracts';
import {
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
  type StreamInfo,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import { backoffMs } from './backoff.ts';
import type { Bus } from './bus.ts';

/** How long streams and outboxes keep messages, and inboxes their ids: a wiped or lagging side is rebuilt from the other. */
export const keptDays = 7;
const dayMs = 86_400_000;

/** The stream's name on the server: dots and blanks are not allowed there. */
export const streamName = (bus: Bus, stream: StreamContract): string =>
  `${bus.prefix.replaceAll(/[^A-Za-z0-9_-]/g, '_')}_${stream.name}`;

const isMissing = (error: unknown): boolean =>
  error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;

const mostTries = 5;

/**
 * Makes the stream where it is missing. Gives back when it was created: another moment than before means that it was wiped. Several that make it at
 * once may see the server (2.9) fail for one of them with "error creating store": the stream is there, or can be made, a moment later.
 */
export async function ensureStream(bus: Bus, stream: StreamContract): Promise<{ created: string }> {
  const name = streamName(bus, stream);
  for (let tries = 1; ; tries++) {
    try {
      return { created: (await bus.manager.streams.info(name)).created };
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    try {
      return { created: (await makeStream(bus, stream, name)).created };
    } catch (error) {
      if (tries === mostTries || !(error instanceof JetStreamApiError)) throw error;
      await delay(backoffMs(tries, { firstMs: 50 }));
    }
  }
}

const makeStream = (bus: Bus, stream: StreamContract, name: string): Promise<StreamInfo> =>
  bus.manager.streams.add({
    name,
    subjects: [`${bus.prefix}.${stream.subjects}`],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_age: nanos(keptDays * dayMs),
    duplicate_window: nanos(120_000),
    num_replicas: bus.streamReplicas,
  });
