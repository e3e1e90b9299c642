import {
  type CommandContext,
  CommandContextSchema,
  ErrorSchema,
  fromErrorMessage,
  subjectOfMethod,
  toErrorMessage,
} from '@berth/contracts';
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
import {
  ClosedConnectionError,
  DrainingConnectionError,
  type Msg,
  NoRespondersError,
  RequestError,
  TimeoutError,
} from '@nats-io/nats-core';
import type { Bus } from './bus.ts';
import { inClientSpan, inMessageSpan, outgoingHeaders } from './trace-headers.ts';
import { endsWithin } from './within.ts';

const statusHeader = 'Berth-Status';
/** For services whose messages are public: who asks is not part of them, and travels beside them. */
const contextHeader = 'Berth-Context';
/** A server that does not answer must not hold up a stop for long. */
const unsubscribeMs = 2_000;

/** Headers count towards the server's limit of a message's size. */
const headerRoom = 1_024;

const outcomeOf = (error: unknown): string => toDomainError(error).kind;

const noAnswer = (error: unknown, subject: string): DomainError => {
  const nobody = error instanceof NoRespondersError || (error instanceof RequestError && error.isNoResponders());
  const notSent = error instanceof ClosedConnectionError || error instanceof DrainingConnectionError;
  if (nobody || notSent) {
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
 * `context` travels beside the message, for methods whose messages do not say who asks.
 */
export async function request<I extends DescMessage, O extends DescMessage>(
  bus: Bus,
  method: DescMethodUnary<I, O>,
  message: MessageInitShape<I>,
  options: { timeoutMs: number; context?: MessageInitShape<typeof CommandContextSchema> },
): Promise<MessageShape<O>> {
  const subject = subjectOfMethod(bus.prefix, method);
  const payload = toBinary(method.input, create(method.input, message));
  const stopClock = bus.metrics.requestSeconds.startTimer({ method: method.name });
  const answerOf = async (): Promise<MessageShape<O>> => {
    const answer = await ask(bus, subject, payload, options);
    if (answer.headers?.get(statusHeader) === 'error') throw fromErrorMessage(fromBinary(ErrorSchema, answer.data));
    return fromBinary(method.output, answer.data);
  };
  try {
    const answer = await inClientSpan(`request ${method.name}`, answerOf);
    stopClock({ outcome: 'ok' });
    return answer;
  } catch (error) {
    stopClock({ outcome: outcomeOf(error) });
    throw error;
  }
}

async function ask(
  bus: Bus,
  subject: string,
  payload: Uint8Array,
  { timeoutMs, context }: Parameters<typeof request>[3],
): Promise<Msg> {
  const headers = outgoingHeaders(context && { [contextHeader]: encodeContext(context) });
  try {
    return await bus.connection.request(subject, payload, { timeout: timeoutMs, headers });
  } catch (error) {
    throw noAnswer(error, subject);
  }
}

const encodeContext = (context: MessageInitShape<typeof CommandContextSchema>): string =>
  Buffer.from(toBinary(CommandContextSchema, create(CommandContextSchema, context))).toString('base64');

function contextOf(message: Msg): CommandContext | undefined {
  const text = message.headers?.get(contextHeader);
  return text ? parse(CommandContextSchema, Buffer.from(text, 'base64')) : undefined;
}

function parse<I extends DescMessage>(schema: I, data: Uint8Array): MessageShape<I> {
  try {
    return fromBinary(schema, data);
  } catch (error) {
    throw new DomainError('invalid', 'MALFORMED_COMMAND', 'The command could not be read.', {}, { cause: error });
  }
}

/**
 * Answers `method`. Replicas share the work (queue group = service name). `context` is what the request carried beside its message. A thrown DomainError travels to the caller; anything else
 * becomes `bug` and is logged here. Gives back its stop, which takes no new requests and waits for those in work.
 */
export function serve<I extends DescMessage, O extends DescMessage>(
  bus: Bus,
  method: DescMethodUnary<I, O>,
  handle: (message: MessageShape<I>, context: CommandContext | undefined) => Promise<MessageInitShape<O>>,
): () => Promise<void> {
  const inWork = new Set<Promise<void>>();
  /** The answer to `message` and how it went. */
  const answerTo = async (message: Msg): Promise<{ data: Uint8Array; outcome: string }> => {
    try {
      const reply = await inMessageSpan(`serve ${method.name}`, 'server', message, async () =>
        handle(parse(method.input, message.data), contextOf(message)),
      );
      return { data: toBinary(method.output, create(method.output, reply)), outcome: 'ok' };
    } catch (error) {
      const failure = toDomainError(error);
      if (isKind(failure, 'bug')) bus.log.error({ err: error, method: method.name }, 'command failed');
      return { data: toBinary(ErrorSchema, toErrorMessage(failure)), outcome: failure.kind };
    }
  };
  const respond = async (message: Msg): Promise<void> => {
    const stopClock = bus.metrics.serveSeconds.startTimer({ method: method.name });
    const { data, outcome } = await answerTo(message);
    stopClock({ outcome });
    try {
      const most = bus.connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
      if (data.length + headerRoom > most) throw new DomainError('bug', 'ANSWER_TOO_LARGE', 'The answer is too large.');
      message.respond(data, { headers: outgoingHeaders(outcome === 'ok' ? {} : { [statusHeader]: 'error' }) });
    } catch (error) {
      bus.log.error({ err: error, method: method.name, bytes: data.length }, 'answer could not be sent');
      if (isKind(error, 'bug') && !bus.connection.isClosed()) {
        const headers = outgoingHeaders({ [statusHeader]: 'error' });
        message.respond(toBinary(ErrorSchema, toErrorMessage(error)), { headers });
      }
    }
  };
  const subscription = bus.connection.subscribe(subjectOfMethod(bus.prefix, method), {
    queue: method.parent.typeName,
    callback: (error, message) => {
      if (error) return bus.log.error({ err: error, method: method.name }, 'subscription failed');
      const work = bus.track(respond(message)).finally(() => inWork.delete(work));
      inWork.add(work);
    },
  });
  const stop = async (): Promise<void> => {
    forget();
    if (!subscription.isClosed() && !(await endsWithin(subscription.drain(), unsubscribeMs)))
      subscription.unsubscribe();
    await Promise.all(inWork);
  };
  const forget = bus.stopFirst(stop);
  return stop;
}
