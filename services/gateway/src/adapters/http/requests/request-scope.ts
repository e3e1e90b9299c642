import { randomBytes } from 'node:crypto';
import { inRequest } from '@berth/service-kit';
import {
  type Context,
  context,
  isValidTraceId,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { App } from '../app-types.ts';

const tracer = trace.getTracer('@berth/gateway');
const acceptableId = /^[A-Za-z0-9._:/+=@-]{1,128}$/;

/** What belongs to one request from its first byte to its last. */
export interface RequestScope {
  /** The caller's `X-Request-Id`, or one made here. Travels to every service. */
  readonly requestId: string;
  /** Of the active trace; without tracing one that only the gateway's log knows. */
  readonly traceId: string;
  /** Of a monotonic clock, in milliseconds. */
  readonly startedAt: number;
  readonly span: Span;
  /** The operation that the request asks for, once it is chosen. */
  operationId?: string;
  /** Runs `work` inside the request's trace, and so that its log lines carry the request's id. */
  run<T>(work: () => T): T;
}

/** A scope for a request of which only this is known. */
export function openScope(
  method: string,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): RequestScope {
  const parent = propagation.extract(context.active(), headers);
  const span = tracer.startSpan(
    method,
    { kind: SpanKind.SERVER, attributes: { 'http.request.method': method } },
    parent,
  );
  const within: Context = trace.setSpan(parent, span);
  const active = span.spanContext().traceId;
  const traceId = isValidTraceId(active) ? active : randomBytes(16).toString('hex');
  const given = headers['x-request-id'];
  // Without an id of the caller's the trace's is taken, so that a problem's trace_id finds the log lines of every service.
  const requestId = typeof given === 'string' && acceptableId.test(given) ? given : traceId;
  return {
    requestId,
    traceId,
    startedAt: performance.now(),
    span,
    run: (work) => context.with(within, () => inRequest({ requestId }, work)),
  };
}

/** Opens a scope for each request before anything else looks at it, and closes its span at the end. */
export function registerRequestScope(app: App): void {
  app.decorateRequest('scope');
  app.addHook('onRequest', (request, reply, done) => {
    request.scope = openScope(request.method, request.headers);
    reply.header('X-Request-Id', request.scope.requestId);
    request.scope.run(done);
  });
  // Reading the body leaves the scope: what follows runs on the socket's events.
  app.addHook('preValidation', (request, _reply, done) => request.scope.run(done));
  app.addHook('onResponse', (request, reply, done) => {
    const { span } = request.scope;
    const route = request.routeOptions.url;
    if (route !== undefined) span.updateName(`${request.method} ${route}`).setAttribute('http.route', route);
    span.setAttribute('http.response.status_code', reply.statusCode);
    if (reply.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
    done();
  });
}
