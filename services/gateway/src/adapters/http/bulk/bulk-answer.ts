import { Readable } from 'node:stream';
import { type Bulk, fromErrorMessage, type Principal } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import type { BulkService } from '../../nats/bulk-service.ts';
import type { AnyReply, AnyRequest } from '../app-types.ts';
import { ndjson } from './bulk-body.ts';
import type { BulkItemDocument } from './bulk-schemas.ts';
import { showItem, summaryOf } from './bulk-show.ts';

const pageSize = 500;

/** Whose bulk is shown, and to whom. */
interface Showing {
  readonly bulks: BulkService;
  readonly principal: Principal;
  readonly bulk: Bulk;
  readonly traceId: string;
}

/**
 * Answers a bulk that has ended with what became of its items: page by page, as fast as the caller reads. 207 where some failed. Throws
 * why an atomic bulk failed.
 */
export function sendResults(
  deps: { readonly bulks: BulkService },
  request: AnyRequest,
  reply: AnyReply,
  found: { readonly principal: Principal; readonly bulk: Bulk },
): unknown {
  const { bulk } = found;
  const summary = summaryOf(bulk);
  if (summary.mode === 'atomic' && bulk.error) {
    const { kind, code, message, details } = fromErrorMessage(bulk.error);
    throw new DomainError(kind, code, message, { ...details, operationId: bulk.id });
  }
  const showing = { ...deps, ...found, traceId: request.scope.traceId };
  reply.code(bulk.failed > 0 ? 207 : 200).header('Location', `/v1/bulks/${bulk.id}`);
  if (wantsLines(request)) return reply.type(ndjson).send(Readable.from(lines(showing)));
  return reply.type('application/json; charset=utf-8').send(Readable.from(document(summary, showing)));
}

/** Whether the caller names NDJSON among what it accepts. */
const wantsLines = ({ headers }: AnyRequest): boolean =>
  (headers.accept ?? '').split(',').some((range) => range.split(';', 1)[0]?.trim().toLowerCase() === ndjson);

async function* pages({ bulks, principal, bulk, traceId }: Showing): AsyncGenerator<BulkItemDocument[]> {
  for (let offset = 0, more = true; more; ) {
    const page = await bulks.items(principal, { bulkId: bulk.id, offset, size: pageSize });
    yield page.results.map((item) => showItem(item, bulk.id, traceId));
    offset += page.results.length;
    more = page.more && page.results.length > 0;
  }
}

async function* lines(showing: Showing): AsyncGenerator<string> {
  for await (const page of pages(showing)) yield page.map((item) => `${JSON.stringify(item)}\n`).join('');
}

async function* document(summary: object, showing: Showing): AsyncGenerator<string> {
  yield `${JSON.stringify(summary).slice(0, -1)},"results":[`;
  let separator = '';
  for await (const page of pages(showing)) {
    yield separator + page.map((item) => JSON.stringify(item)).join(',');
    separator = ',';
  }
  yield ']}';
}
