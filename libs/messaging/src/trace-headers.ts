import { currentRequest, inRequest } from '@berth/service-kit';
import { headers, type MsgHdrs } from '@nats-io/nats-core';
import { type Context, context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';

const requestIdHeader = 'Berth-Request-Id';
const tracer = trace.getTracer('@berth/messaging');

/** New headers that carry the active trace (W3C `traceparent`) and the current request's id. */
export function outgoingHeaders(extra: Readonly<Record<string, string>> = {}): MsgHdrs {
  const result = headers();
  for (const [name, value] of Object.entries({ ...currentTrace(), ...extra })) result.set(name, value);
  return result;
}

/** The active trace and request as plain header values, to be stored with a message that is sent later. */
export function currentTrace(): Record<string, string> {
  const values: Record<string, string> = {};
  propagation.inject(context.active(), values);
  const request = currentRequest();
  if (request) values[requestIdHeader] = request.requestId;
  return values;
}

const parentOf = (message: { headers?: MsgHdrs | undefined }): Context =>
  propagation.extract(context.active(), message.headers, {
    get: (carrier, key) => carrier?.get(key) || undefined,
    keys: (carrier) => carrier?.keys() ?? [],
  });

/** Runs `work` in the trace and request that a message came from, inside a span of its own. */
export async function inMessageSpan<T>(
  name: string,
  kind: 'server' | 'consumer',
  message: { headers?: MsgHdrs | undefined },
  work: () => Promise<T>,
): Promise<T> {
  const requestId = message.headers?.get(requestIdHeader);
  const spanKind = kind === 'server' ? SpanKind.SERVER : SpanKind.CONSUMER;
  const traced = () =>
    tracer.startActiveSpan(name, { kind: spanKind }, parentOf(message), async (span) => {
      try {
        return await work();
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      } finally {
        span.end();
      }
    });
  return requestId ? inRequest({ requestId }, traced) : traced();
}

/** Runs `work` inside a client span, so that what it sends hangs below it. */
export const inClientSpan = <T>(name: string, work: () => Promise<T>): Promise<T> =>
  tracer.startActiveSpan(name, { kind: SpanKind.CLIENT }, async (span) => {
    try {
      return await work();
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
