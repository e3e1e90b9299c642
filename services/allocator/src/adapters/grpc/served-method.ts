import type { PermissionVerb } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import {
  create,
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { PoolCall } from '../pools/pool-handlers.ts';
import { unknownFields } from './unknown-fields.ts';

/** A request whose form is right. */
export interface ReadRequest<Answer> {
  /** The same bytes for every way of writing the same message. */
  readonly canonical: Uint8Array;
  run(call: PoolCall, signal: AbortSignal): Answer;
}

/** A method between bytes and bytes. */
export interface MethodBetweenBytes<Desc, Answer> {
  readonly desc: Desc;
  readonly needs: PermissionVerb;
  /** Throws `invalid` when the bytes are not its request. */
  read(bytes: Uint8Array): ReadRequest<Answer>;
}

export type UnaryMethod = MethodBetweenBytes<DescMethodUnary, Promise<Uint8Array>>;
export type StreamingMethod = MethodBetweenBytes<DescMethodServerStreaming, AsyncIterable<Uint8Array>>;
export type ServedMethod = UnaryMethod | StreamingMethod;

export const unary = <I extends DescMessage, O extends DescMessage>(
  desc: DescMethodUnary<I, O>,
  needs: PermissionVerb,
  handle: (message: MessageShape<I>, call: PoolCall) => Promise<MessageInitShape<O>>,
): UnaryMethod => ({
  desc,
  needs,
  read(bytes) {
    const message = decode(desc.input, bytes);
    const run = async (call: PoolCall) => encode(desc.output, await handle(message, call));
    return { canonical: toBinary(desc.input, message), run };
  },
});

export const serverStreaming = <I extends DescMessage, O extends DescMessage>(
  desc: DescMethodServerStreaming<I, O>,
  needs: PermissionVerb,
  handle: (message: MessageShape<I>, call: PoolCall, signal: AbortSignal) => AsyncIterable<MessageInitShape<O>>,
): StreamingMethod => ({
  desc,
  needs,
  read(bytes) {
    const message = decode(desc.input, bytes);
    async function* run(call: PoolCall, signal: AbortSignal) {
      for await (const answer of handle(message, call, signal)) yield encode(desc.output, answer);
    }
    return { canonical: toBinary(desc.input, message), run };
  },
});

const encode = <O extends DescMessage>(schema: O, answer: MessageInitShape<O>): Uint8Array =>
  toBinary(schema, create(schema, answer));

function decode<I extends DescMessage>(schema: I, bytes: Uint8Array): MessageShape<I> {
  const message = parse(schema, bytes);
  const fields = unknownFields(schema, message);
  if (fields.length === 0) return message;
  throw new DomainError('invalid', 'INVALID_REQUEST', 'The request has fields that are not known here.', { fields });
}

function parse<I extends DescMessage>(schema: I, bytes: Uint8Array): MessageShape<I> {
  try {
    return fromBinary(schema, bytes);
  } catch (cause) {
    throw new DomainError('invalid', 'MALFORMED_MESSAGE', `The bytes are no ${schema.typeName}.`, {}, { cause });
  }
}
