import type { TLSSocket } from 'node:tls';
import { context } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import { buildConnector, Client, type Dispatcher } from 'undici';
import type { HttpAnswer } from '../../domain/answers/interpret-answer.ts';
import { oneLine } from './transport-error.ts';

/** Where a router is, and how to know that it is the right one. */
export interface RouterAddress {
  readonly host: string;
  readonly port: number;
  /** The API key: it stands in the body of every request, and in nothing else that leaves this folder. */
  readonly key: string;
  /** PEM text of the authorities that may have signed its certificate; absent: the system's. */
  readonly caFile?: string | undefined;
  /** SHA-256 of its certificate, hexadecimal with or without colons. When given, nothing else is compared. */
  readonly fingerprint?: string | undefined;
}

/** How a request is sent. */
export interface CallOptions {
  /** How long to wait for the whole answer, from the moment the request is written. */
  readonly timeoutMs: number;
  /** Asked in the last synchronous step before the request is written to the open connection; false: nothing is sent. */
  readonly mayStillSend: () => boolean;
}

/** One HTTP request, body included. */
export interface RouterRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body: string | null;
}

/** What came back, and how long it took from writing the request to the end of the answer; 0 when nothing was written. */
export interface TimedAnswer {
  readonly answer: HttpAnswer;
  readonly durationMs: number;
}

const connectTimeoutMs = 10_000;
/** The whole configuration of a router with 5,000 rules is about 1 MB. */
const largestAnswerBytes = 64 * 1024 * 1024;
/**
 * A connection is used again only so soon. An older one may be dropped by the router in the moment it is used, and then nobody knows
 * whether the request arrived; a new handshake costs little beside any request.
 */
const keepAliveMs = 4_000;

/**
 * One TLS connection to a router, opened when needed. A request is written in one synchronous step after `mayStillSend` was asked: undici
 * calls `onRequestStart` on the open connection right before it writes header and body, and an abort there keeps both back. What remains is
 * the way of the bytes themselves: a machine that stops in that step, or a network that holds them, delivers a request late.
 */
export class RouterConnection {
  readonly #client: Client;
  #drops = 0;

  constructor(address: RouterAddress) {
    const host = address.host.includes(':') ? `[${address.host}]` : address.host;
    this.#client = new Client(`https://${host}:${address.port}`, {
      connect: connectorTo(address),
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      // The time is kept here, over the whole answer.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    this.#client.on('disconnect', (_origin, _targets, error) => {
      if (isDropped(error)) this.#drops += 1;
    });
  }

  /** How often the other end has closed or reset an open connection without having said so in an answer. */
  get drops(): number {
    return this.#drops;
  }

  /** Sends once, never again by itself. Does not throw. */
  send(request: RouterRequest, options: CallOptions): Promise<TimedAnswer> {
    return new Promise((resolve) => {
      const exchange = new Exchange(options, resolve);
      const dispatch = () =>
        this.#client.dispatch(
          {
            ...request,
            headers: { 'content-type': 'application/json', accept: 'application/json' },
            idempotent: false,
          },
          exchange,
        );
      try {
        // The router gets no trace headers, and the caller has made the span.
        context.with(suppressTracing(context.active()), dispatch);
      } catch (error) {
        exchange.fail(error);
      }
    });
  }

  /** Cuts the connection, whatever is on it. */
  close(): Promise<void> {
    return this.#client.destroy();
  }
}

/** One that was idle for too long, or cut by us, or ended with an answer that said so has another code. */
const isDropped = (error: Error): boolean => 'code' in error && droppedCodes.has(String(error.code));
const droppedCodes: ReadonlySet<string> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

/** One request on its way. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #options: CallOptions;
  readonly #settle: (timed: TimedAnswer) => void;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #status = 0;
  #startedAt: number | undefined;
  #fenced = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: CallOptions, settle: (timed: TimedAnswer) => void) {
    this.#options = options;
    this.#settle = settle;
  }

  /** The connection is open and checked. When this returns without an abort, the request is written before anything else happens. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    const { timeoutMs, mayStillSend } = this.#options;
    if (!mayStillSend()) {
      this.#fenced = true;
      controller.abort(new Error('It was too late to send.'));
      return;
    }
    this.#startedAt = performance.now();
    this.#timer = setTimeout(() => controller.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > largestAnswerBytes) controller.abort(new Error('the answer is too large'));
  }

  onResponseEnd(): void {
    this.#finish({ kind: 'response', status: this.#status, body: Buffer.concat(this.#chunks).toString('utf8') });
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    this.fail(error);
  }

  fail(error: unknown): void {
    if (this.#fenced) this.#finish({ kind: 'not_sent', reason: 'It was too late to send.', fenced: true });
    else if (this.#startedAt === undefined) this.#finish({ kind: 'not_sent', reason: oneLine(error) });
    else this.#finish({ kind: 'no_answer', reason: oneLine(error) });
  }

  #finish(answer: HttpAnswer): void {
    clearTimeout(this.#timer);
    const durationMs = this.#startedAt === undefined ? 0 : performance.now() - this.#startedAt;
    this.#settle({ answer, durationMs });
  }
}

/** Opens TLS connections whose other end has proved to be the router. Verification is never off. */
function connectorTo({ caFile, fingerprint }: RouterAddress): buildConnector.connector {
  const wanted = fingerprint?.replaceAll(':', '').toLowerCase();
  const connect = buildConnector({
    timeout: connectTimeoutMs,
    allowH2: false,
    // A resumed session would not show the certificate.
    maxCachedSessions: 0,
    rejectUnauthorized: wanted === undefined,
    ...(caFile === undefined || wanted !== undefined ? {} : { ca: caFile }),
  });
  return (options, callback) =>
    connect(options, (error, socket) => {
      if (error !== null) return callback(error, null);
      const problem = wanted === undefined ? undefined : pinProblem(socket as TLSSocket, wanted);
      if (problem === undefined) return callback(null, socket);
      socket.destroy();
      callback(problem, null);
    });
}

function pinProblem(socket: TLSSocket, wanted: string): Error | undefined {
  const seen = socket.getPeerCertificate().fingerprint256?.replaceAll(':', '').toLowerCase() ?? 'none';
  if (seen === wanted) return undefined;
  return new Error(`The router shows another certificate than the pinned one: its SHA-256 fingerprint is ${seen}.`);
}
