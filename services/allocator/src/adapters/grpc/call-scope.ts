import { randomBytes } from 'node:crypto';
import { inRequest } from '@berth/service-kit';
import type { DescMethod } from '@bufbuild/protobuf';
import { type Metadata, status } from '@grpc/grpc-js';
import { context, isValidTraceId, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { textOf } from './metadata-text.ts';

const tracer = trace.getTracer('@berth/allocator');
const acceptableId = /^[A-Za-z0-9._:/+=@-]{1,128}$/;
/** Failures that are not the caller's, as OpenTelemetry counts them. */
const ours = new Set([status.UNKNOWN, status.DEADLINE_EXCEEDED, status.UNIMPLEMENTED, status.INTERNAL]);
for (const code of [status.UNAVAILABLE, status.DATA_LOSS]) ours.add(code);

/** What belongs to one call from its first byte to its last. */
export interface CallScope {
  /** The caller's `x-request-id`, or one made here. */
  readonly requestId: string;
  /** Of the active trace; without tracing one that only the log knows. */
  readonly traceId: string;
  /** Of a monotonic clock, in milliseconds. */
  readonly startedAt: number;
  /** Runs `work` inside the call's trace, and so that its log lines carry the request's id. */
  run<T>(work: () => T): T;
  /** Ends the span. */
  close(code: status): void;
}

/** Opens the scope of a call; its trace goes on from the caller's `traceparent`. */
export function openCallScope({ parent: service, name }: DescMethod, metadata: Metadata): CallScope {
  const parent = propagation.extract(context.active(), metadata, {
    get: (carrier, key) => textOf(carrier, key),
    keys: (carrier) => Object.keys(carrier.getMap()),
  });
  const attributes = { 'rpc.system': 'grpc', 'rpc.service': service.typeName, 'rpc.method': name };
  const span = tracer.startSpan(`${service.typeName}/${name}`, { kind: SpanKind.SERVER, attributes }, parent);
  const within = trace.setSpan(parent, span);
  const active = span.spanContext().traceId;
  const traceId = isValidTraceId(active) ? active : randomBytes(16).toString('hex');
  const given = textOf(metadata, 'x-request-id');
  const requestId = given !== undefined && acceptableId.test(given) ? given : traceId;
  return {
    requestId,
    traceId,
    startedAt: performance.now(),
    run: (work) => context.with(within, () => inRequest({ requestId }, work)),
    close(code) {
      span.setAttribute('rpc.grpc.status_code', code);
      if (ours.has(code)) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
  };
}
