import type { StreamContract } from '@berth/contracts';
import { DiscardPolicy, JetStreamApiCodes, JetStreamApiError, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import type { Bus } from './bus.ts';

/** How long streams and outboxes keep messages, and inboxes their ids: a wiped or lagging side is rebuilt from the other. */
export const keptDays = 7;
const dayMs = 86_400_000;

/** The stream's name on the server: dots and blanks are not allowed there. */
export const streamName = (bus: Bus, stream: StreamContract): string =>
  `${bus.prefix.replaceAll(/[^A-Za-z0-9_-]/g, '_')}_${stream.name}`;

const isMissing = (error: unknown): boolean =>
  error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;

/** Makes the stream where it is missing. Gives back when it was created: another moment than before means that it was wiped. */
export async function ensureStream(bus: Bus, stream: StreamContract): Promise<{ created: string }> {
  const name = streamName(bus, stream);
  try {
    return { created: (await bus.manager.streams.info(name)).created };
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  const info = await bus.manager.streams.add({
    name,
    subjects: [`${bus.prefix}.${stream.subjects}`],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_age: nanos(keptDays * dayMs),
    duplicate_window: nanos(120_000),
    num_replicas: bus.streamReplicas,
  });
  return { created: info.created };
}
