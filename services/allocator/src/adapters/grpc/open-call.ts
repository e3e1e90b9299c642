import type { Principal } from '@berth/contracts';
import { DomainError, toDomainError } from '@berth/errors';
import { type ServerUnaryCall, type ServerWritableStream, status } from '@grpc/grpc-js';
import { type CallScope, openCallScope } from './call-scope.ts';
import { codeOf } from './rpc-status.ts';
import type { ServedMethod } from './served-method.ts';

export type ServerCall = ServerUnaryCall<Buffer, Uint8Array> | ServerWritableStream<Buffer, Uint8Array>;

const lastMoment = 8.64e15; // of Date
/** A client gives up at its deadline, which is ours less the way here: so shortly before, it is not a person who cancelled. */
const aboutMs = 250;

/** A call in work. */
export interface OpenCall {
  readonly method: ServedMethod;
  readonly scope: CallScope;
  /** Where the caller gave no deadline: the default one, or for streams the end of time. */
  readonly deadline: Date;
  /** Fires when nobody waits for the answer any more; its reason is a DomainError, or `cancelled`. */
  readonly signal: AbortSignal;
  /** Who calls, once it is known. */
  principal?: Principal;
  interrupt(reason: DomainError | 'cancelled'): void;
  /** Takes the timer away. */
  close(code: status): void;
}

/** How a call ended. */
export interface CallEnd {
  readonly code: status;
  /** Absent: it succeeded, or nobody hears of it. */
  readonly error?: DomainError;
}

const deadlineExceeded = () =>
  new DomainError('unavailable', 'DEADLINE_EXCEEDED', 'No answer by the deadline: whether it was done is not known.');

/** Opens a call; `defaultDeadlineMs` bounds those with one answer whose caller names no deadline. */
export function openCall(method: ServedMethod, call: ServerCall, defaultDeadlineMs: number): OpenCall {
  const gone = new AbortController();
  const scope = openCallScope(method.desc, call.metadata);
  const given = Number(call.getDeadline());
  call.on('cancelled', () => gone.abort(given <= Date.now() + aboutMs ? deadlineExceeded() : 'cancelled'));
  const bounded = given === Number.POSITIVE_INFINITY && method.desc.methodKind === 'unary';
  const timer = bounded ? setTimeout(() => gone.abort(deadlineExceeded()), defaultDeadlineMs) : undefined;
  return {
    method,
    scope,
    deadline: new Date(Math.min(bounded ? Date.now() + defaultDeadlineMs : given, lastMoment)),
    signal: gone.signal,
    interrupt: (reason) => gone.abort(reason),
    close(code) {
      clearTimeout(timer);
      scope.close(code);
    },
  };
}

/** How a call ended whose work threw `error`, or that was interrupted. */
export function endOf(error: unknown, { signal }: OpenCall): CallEnd {
  if (signal.aborted && !(signal.reason instanceof DomainError)) return { code: status.CANCELLED };
  const failure = toDomainError(signal.aborted ? signal.reason : error);
  return { code: codeOf(failure), error: failure };
}
