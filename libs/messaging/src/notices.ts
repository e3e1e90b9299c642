import { create, type DescMessage, type MessageInitShape, type MessageShape, toBinary } from '@bufbuild/protobuf';
import type { Bus } from './bus.ts';
import { readPayload } from './received.ts';
import { outgoingHeaders } from './trace-headers.ts';

/**
 * Tells everyone who listens now; nothing is kept. For hints whose loss only costs time. `subject` is below the prefix.
 * A bus that is being drained tells nothing any more.
 */
export function notify<T extends DescMessage>(
  bus: Bus,
  subject: string,
  schema: T,
  message: MessageInitShape<T>,
): void {
  if (bus.connection.isDraining() || bus.connection.isClosed()) return; // would throw, in timers where nobody catches it
  bus.connection.publish(`${bus.prefix}.${subject}`, toBinary(schema, create(schema, message)), {
    headers: outgoingHeaders(),
  });
}

/**
 * Listens to messages as they pass, in this process alone: notices, or those of a stream (binary or JSON, told by their content type).
 * Gives back its stop. A message that cannot be read is logged and skipped, and so is
 * one whose handler throws.
 */
export function listen<T extends DescMessage>(
  bus: Bus,
  subject: string,
  schema: T,
  handle: (message: MessageShape<T>) => void,
): () => void {
  const subscription = bus.connection.subscribe(`${bus.prefix}.${subject}`, {
    callback: (error, message) => {
      if (error) return bus.log.error({ err: error, subject }, 'subscription failed');
      try {
        handle(readPayload(schema, message));
      } catch (failure) {
        bus.log.error({ err: failure, subject }, 'message skipped');
      }
    },
  });
  return () => subscription.unsubscribe();
}
