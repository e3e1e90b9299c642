import { once } from 'node:events';
import type { KeyCache } from '@berth/access';
import { type Principal, requirePermission } from '@berth/contracts';
import { DomainError, isKind } from '@berth/errors';
import { currentTrace } from '@berth/messaging';
import type { Logger } from '@berth/service-kit';
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  type ServerWritableStream,
  status,
} from '@grpc/grpc-js';
import { admitCaller, keyUseOf, knownCaller } from './admit-call.ts';
import { authorOfCall } from './author-of-call.ts';
import type { CallLimits } from './call-limits.ts';
import type { GrpcMetrics } from './grpc-metrics.ts';
import { keepAdmitted } from './keep-admitted.ts';
import { type CallEnd, endOf, type OpenCall, openCall, type ServerCall } from './open-call.ts';
import type { RefusalRecorder } from './record-refusals.ts';
import { type RpcStatus, rpcStatus } from './rpc-status.ts';
import type { MethodBetweenBytes, ReadRequest, ServedMethod, StreamingMethod, UnaryMethod } from './served-method.ts';

export interface CallDeps {
  readonly keys: Pick<KeyCache, 'principalOf' | 'onForgotten'>;
  /** Throws `forbidden` for a caller who is kept out. */
  readonly refuseKeptOut: (caller: Principal) => void;
  readonly log: Logger;
  readonly metrics: GrpcMetrics;
  readonly limits: CallLimits;
  /** Told of each call with one answer that came to nothing, before its caller is. */
  readonly refusals: Pick<RefusalRecorder, 'refused'>;
  /** For calls with one answer whose caller names no deadline. */
  readonly defaultDeadlineMs: number;
}

const stopping = () =>
  new DomainError('unavailable', 'SERVICE_UNAVAILABLE', 'This replica stops. Try again: another one answers.', {
    retryAfterSeconds: 1,
  });

/** Runs calls from admission to their last byte: the same way for each, so that none is unmeasured, untraced or open by accident. */
export class CallRunner {
  readonly #deps: CallDeps;
  readonly #streams = new Set<OpenCall>();
  readonly #inWork = new Set<Promise<unknown>>();
  #stopping = false;

  constructor(deps: CallDeps) {
    this.#deps = deps;
  }

  unary(method: UnaryMethod): handleUnaryCall<Buffer, Uint8Array> {
    return (call, callback) => {
      const open = openCall(method, call, this.#deps.defaultDeadlineMs);
      const work = this.#track(open.scope.run(() => this.#answer(method, call, open)));
      const answered = open.scope.run(async () => {
        try {
          const answer = await untilInterrupted(work, open.signal);
          call.sendMetadata(requestIdOf(open));
          callback(null, answer);
          this.#end(open, { code: status.OK });
        } catch (error) {
          const end = endOf(error, open);
          if (end.error !== undefined) {
            await this.#deps.refusals.refused(open, call, end.error);
            callback(rpcStatus(end.error, open.scope.requestId));
          }
          this.#end(open, end);
        }
      });
      void this.#track(answered);
    };
  }

  streaming(method: StreamingMethod): handleServerStreamingCall<Buffer, Uint8Array> {
    return (call) => {
      const open = openCall(method, call, this.#deps.defaultDeadlineMs);
      const { service, method: name } = labelsOf(method);
      this.#streams.add(open);
      this.#deps.metrics.streams.inc({ service, method: name });
      void this.#track(
        open.scope.run(async () => {
          try {
            await this.#stream(method, call, open);
            call.end();
            this.#end(open, { code: status.OK });
          } catch (error) {
            const end = endOf(error, open);
            if (end.error !== undefined) endStream(call, rpcStatus(end.error, open.scope.requestId));
            this.#end(open, end);
          }
        }),
      );
    };
  }

  /** Takes no new calls, ends streams, and resolves when nothing is in work. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const open of this.#streams) open.interrupt(stopping());
    await Promise.allSettled(this.#inWork);
  }

  async #answer(method: UnaryMethod, call: ServerCall, open: OpenCall): Promise<Uint8Array> {
    return this.#run(await this.#admit(method, call, open), call, open);
  }

  async #stream(
    method: StreamingMethod,
    call: ServerWritableStream<Buffer, Uint8Array>,
    open: OpenCall,
  ): Promise<void> {
    const admitted = await this.#admit(method, call, open);
    const { keys, refuseKeptOut } = this.#deps;
    const admitAgain = async () => {
      const caller = await admitCaller(keys, { metadata: call.metadata, peer: call.getPeer() }, method.needs);
      refuseKeptOut(caller);
      return caller;
    };
    const stop = keepAdmitted(keys, admitted.caller, admitAgain, open.interrupt);
    try {
      await this.#send(this.#run(admitted, call, open), call, open);
    } finally {
      stop();
    }
  }

  async #send(
    answers: AsyncIterable<Uint8Array>,
    call: ServerWritableStream<Buffer, Uint8Array>,
    open: OpenCall,
  ): Promise<void> {
    let first = true;
    for await (const answer of answers) {
      open.signal.throwIfAborted();
      // Not before there is something to send: a client may try again elsewhere as long as it has no headers.
      if (first) call.sendMetadata(requestIdOf(open));
      first = false;
      if (!call.write(answer)) await once(call, 'drain', { signal: open.signal });
    }
    open.signal.throwIfAborted();
  }

  /** Lets the caller in, or throws; the bytes are looked at only then. */
  async #admit<Answer>(
    method: Pick<MethodBetweenBytes<unknown, Answer>, 'needs' | 'read'>,
    call: ServerCall,
    open: OpenCall,
  ): Promise<Admitted<Answer>> {
    if (this.#stopping) throw stopping();
    const { keys, limits, refuseKeptOut } = this.#deps;
    limits.checkHost(call.getPeer());
    const shown = { metadata: call.metadata, peer: call.getPeer() };
    const caller = await knownCaller(keys, shown).catch((error: unknown) => {
      if (isKind(error, 'unauthenticated')) limits.countStranger(call.getPeer());
      throw error;
    });
    open.principal = caller;
    refuseKeptOut(caller);
    requirePermission(caller, method.needs);
    limits.countCaller(caller.id);
    return { caller, request: method.read(call.request) };
  }

  #run<Answer>({ caller, request }: Admitted<Answer>, call: ServerCall, open: OpenCall): Answer {
    const used = { principalId: caller.id, path: call.getPath(), canonical: request.canonical };
    const pool = {
      caller,
      author: authorOfCall(caller, call, open.scope.requestId),
      requestId: open.scope.requestId,
      traceparent: currentTrace()['traceparent'] ?? '',
      key: keyUseOf(call.metadata, used),
      deadline: open.deadline,
    };
    return request.run(pool, open.signal);
  }

  #track<T>(work: Promise<T>): Promise<T> {
    const tracked = work.finally(() => this.#inWork.delete(tracked));
    this.#inWork.add(tracked);
    return tracked;
  }

  #end(open: OpenCall, { code, error }: CallEnd): void {
    const { log, metrics } = this.#deps;
    const labels = labelsOf(open.method);
    const ms = performance.now() - open.scope.startedAt;
    if (this.#streams.delete(open)) metrics.streams.dec(labels);
    else metrics.seconds.observe(labels, ms / 1_000);
    metrics.handled.inc({ ...labels, code: status[code] });
    if (isKind(error, 'bug')) log.error({ err: error, ...labels }, 'call failed');
    const who = open.principal === undefined ? {} : { principalId: open.principal.id };
    const { traceId } = open.scope;
    log.info({ ...labels, code: status[code], ms: Math.round(ms), traceId, ...who }, 'call');
    open.close(code);
  }
}

interface Admitted<Answer> {
  readonly caller: Awaited<ReturnType<typeof admitCaller>>;
  readonly request: ReadRequest<Answer>;
}

const labelsOf = ({ desc }: ServedMethod) => ({ service: desc.parent.typeName, method: desc.name });

function requestIdOf(open: OpenCall): Metadata {
  const metadata = new Metadata();
  metadata.set('x-request-id', open.scope.requestId);
  return metadata;
}

/** @grpc/grpc-js takes the status of a stream's end from an error event. */
const endStream = (call: ServerWritableStream<Buffer, Uint8Array>, end: RpcStatus): void =>
  void call.emit('error', end);

/** What `work` gives, unless the signal fires first: then its reason is thrown, and the work goes on unheard. */
async function untilInterrupted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: interrupted, reject } = Promise.withResolvers<never>();
  const interrupt = () => reject(signal.reason);
  if (signal.aborted) interrupt();
  signal.addEventListener('abort', interrupt);
  try {
    return await Promise.race([work, interrupted]);
  } finally {
    signal.removeEventListener('abort', interrupt);
  }
}
