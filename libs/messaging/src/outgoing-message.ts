import type { StreamContract } from '@berth/contracts';
import { create, type DescMessage, type MessageInitShape, toBinary, toJsonString } from '@bufbuild/protobuf';

/** A message that leaves when the transaction it was sent in commits. */
export interface OutgoingMessage {
  readonly stream: StreamContract;
  /** Below the prefix. */
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
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
