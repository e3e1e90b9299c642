import type { StreamContract } from '@berth/contracts';
import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import type { Bus } from './bus.ts';
import { ensureStream } from './streams.ts';
import { outgoingHeaders } from './trace-headers.ts';

/** A message for a stream, and the id that all sendings of it share. */
export interface KeptMessage<T extends DescMessage> {
  readonly stream: StreamContract;
  /** Below the prefix. */
  readonly subject: string;
  readonly schema: T;
  readonly message: MessageInitShape<T>;
  readonly messageId: string;
}

/**
 * Puts a message into a stream and waits until the stream has stored it; a missing stream is made. For senders without a database: others have
 * the outbox. Sent twice at most, each time with `timeoutMs` for the answer. Throws when the stream has not said that it has it; it may
 * have it nevertheless.
 */
export async function publishKept<T extends DescMessage>(
  bus: Bus,
  kept: KeptMessage<T>,
  timeoutMs: number,
): Promise<void> {
  const payload = toBinary(kept.schema, create(kept.schema, kept.message));
  const send = async () => {
    if (!bus.isConnected()) throw new Error('not connected'); // what is written to a lost connection is sent late
    await bus.jetstream.publish(`${bus.prefix}.${kept.subject}`, payload, {
      msgID: kept.messageId,
      headers: outgoingHeaders(),
      timeout: timeoutMs,
    });
  };
  try {
    await send();
  } catch (error) {
    if (!bus.isConnected()) throw error;
    await ensureStream(bus, kept.stream);
    await send();
  }
}
