import { ErrorSchema, fromErrorMessage, subjectOfMethod, toErrorMessage } from '@berth/contracts';
import { DomainError, isKind, toDomainError } from '@berth/errors';
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { type Msg, NoRespondersError, RequestError, TimeoutError } from '@nats-io/nats-core';
import type { Bus } from './bus.ts';
import { inClientSpan, inMessageSpan, outgoingHeaders } from './trace-headers.ts';

const statusHeader = 'Berth-Status';

const noAnswer = (error: unknown, subject: string): DomainError => {
  const nobody = error instanceof NoRespondersError || (error instanceof RequestError && error.isNoResponders());
  if (nobody) {
    return new DomainError(
      'unavailable',
      'SERVICE_UNAVAILABLE',
      'A part of the system is not running at the moment.',
      { retryAfterSeconds: 2, subject, sent: false },
      { cause: error },
    );
  }
  return new DomainError(
    'unavailable',
    'NO_ANSWER',
    'A part of the system did not answer in time.',
    { retryAfterSeconds: 2, subject, sent: true, timedOut: error instanceof TimeoutError },
    { cause: error },
  );
};

/**
 * Asks for `method` and waits for its answer. Throws the answer's own DomainError; `unavailable` when nobody listens
 * (`details.sent` is false: surely nothing happened) or when no answer came in time (`details.sent` is true: it may have happened).
 */
export async function request<I extends DescMessage, O extends DescMessage>(
  bus: Bus,
  method: DescMethodUnary<I, O>,
  message: MessageInitShape<I>,
  options: { timeoutMs: number },
): Promise<MessageShape<O>> {
  const subject = subjectOfMethod(bus.prefix, method);
  return inClientSpan(`request ${method.name}`, async () => {
    let answer: Msg;
    try {
      answer = await bus.connection.request(subject, toBinary(method.input, create(method.input, message)), {
        timeout: options.timeoutMs,
        headers: outgoingHeaders(),
      });
    } catch (error) {
      throw noAnswer(error, subject);
    }
    if (answer.headers?.get(statusHeader) === 'error') throw fromErrorMessage(fromBinary(ErrorSchema, answer.data));
    return fromBinary(method.output, answer.data);
  });
}

function parse<I extends DescMessage>(schema: I, data: Uint8Array): MessageShape<I> {
  try {
    return fromBinary(schema, data);
  } catch (error) {
    throw new DomainError('invalid', 'MALFORMED_COMMAND', 'The command could not be read.', {}, { cause: error });
  }
}

/**
 * Answers `method`. Replicas share the work (queue group = service name). A thrown DomainError travels to the caller; anything else
 * becomes `bug` and is logged here. Gives back its stop, which takes no new requests and waits for those in work.
 */
export function serve<I extends DescMessage, O extends DescMessage>(
  bus: Bus,
  method: DescMethodUnary<I, O>,
  handle: (message: MessageShape<I>) => Promise<MessageInitShape<O>>,
): () => Promise<void> {
  const answer = async (message: Msg): Promise<void> => {
    try {
      const reply = await inMessageSpan(`serve ${method.name}`, 'server', message, async () =>
        handle(parse(method.input, message.data)),
      );
      message.respond(toBinary(method.output, create(method.output, reply)));
    } catch (error) {
      const failure = toDomainError(error);
      if (isKind(failure, 'bug')) bus.log.error({ err: error, method: method.name }, 'command failed');
      const headers = outgoingHeaders({ [statusHeader]: 'error' });
      message.respond(toBinary(ErrorSchema, toErrorMessage(failure)), { headers });
    }
  };
  const subscription = bus.connection.subscribe(subjectOfMethod(bus.prefix, method), {
    queue: method.parent.typeName,
    callback: (error, message) => {
      if (error) bus.log.error({ err: error, method: method.name }, 'subscription failed');
      else void bus.track(answer(message));
    },
  });
  return async () => {
    if (!subscription.isClosed()) await subscription.drain();
  };
}
