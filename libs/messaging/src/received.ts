import { DomainError } from '@berth/errors';
import { type DescMessage, fromBinary, fromJsonString, type MessageShape } from '@bufbuild/protobuf';
import type { JsMsg } from '@nats-io/jetstream';
import type { MsgHdrs } from '@nats-io/nats-core';
import type { Bus } from './bus.ts';

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

/** The id that all sendings of a message share: the Nats-Msg-Id without its attempt, or the place in the stream where it has none. */
export const messageIdOf = (message: JsMsg): string =>
  (message.headers?.get('Nats-Msg-Id') || String(message.seq)).replace(/\.\d+$/, '');

/** The payload as a message: JSON or binary, told by its content type. Fields that this version does not know are skipped. */
export function readPayload<T extends DescMessage>(
  schema: T,
  message: { readonly data: Uint8Array; readonly headers?: MsgHdrs | undefined },
): MessageShape<T> {
  try {
    return message.headers?.get('content-type').includes('json')
      ? fromJsonString(schema, new TextDecoder().decode(message.data), { ignoreUnknownFields: true })
      : fromBinary(schema, message.data);
  } catch (error) {
    throw new DomainError('invalid', 'MALFORMED_MESSAGE', 'The message could not be read.', {}, { cause: error });
  }
}

/** A delivery as its handler gets it. Throws `invalid` when it cannot be read. */
export const readReceived = <T extends DescMessage>(
  bus: Bus,
  schema: T,
  message: JsMsg,
): Received<MessageShape<T>> => ({
  message: readPayload(schema, message),
  messageId: messageIdOf(message),
  subject: message.subject.slice(bus.prefix.length + 1),
  deliveryCount: message.info.deliveryCount,
  header: (name) => message.headers?.get(name) || undefined,
});
