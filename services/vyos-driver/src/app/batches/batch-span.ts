import { type Link, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import type { BatchChange } from '../router-ledger.ts';

const tracer = trace.getTracer('berth-vyos-driver');

/** Runs `work` inside a span of the batch that links to the traces of the requests behind it: many requests share one commit. */
export function inBatchSpan<T>(
  router: string,
  batch: { readonly id: string; readonly changes: readonly BatchChange[] },
  work: () => Promise<T>,
): Promise<T> {
  const links = batch.changes.flatMap(({ causes }) => causes.flatMap(({ traceparent }) => linkTo(traceparent)));
  const attributes = { 'berth.router': router, 'berth.batch': batch.id, 'berth.batch.resources': batch.changes.length };
  return tracer.startActiveSpan('router batch', { attributes, links }, async (span) => {
    try {
      return await work();
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}

function linkTo(traceparent: string): Link[] {
  const [, traceId, spanId] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(traceparent) ?? [];
  if (traceId === undefined || spanId === undefined) return [];
  return [{ context: { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true } }];
}
