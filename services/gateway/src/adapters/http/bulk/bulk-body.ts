import { Readable } from 'node:stream';
import { DomainError, isKind } from '@berth/errors';
import type { Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { invalidRequest } from '../../../domain/field-checks.ts';
import type { AnyRequest, App } from '../app-types.ts';
import { toFieldErrors } from '../requests/field-errors.ts';
import { parseJsonBody, refuseOtherEncodings } from '../requests/json-body.ts';
import type { LargeBody } from '../requests/large-bodies.ts';
import type { ReadValue } from './bulk-items.ts';
import { arriving, linesOf } from './bulk-lines.ts';
import { bulkEnvelope, type bulkQuery } from './bulk-schemas.ts';

export const ndjson = 'application/x-ndjson';

/** Of the routes that take bulks. */
export const bulkBodyBytes = 16_777_216;
const lineBytes = 1_048_576;
/** Of a body that was refused, so much more is read. */
const discardedBytes = 33_554_432;

export type Mode = 'best_effort' | 'atomic';

/** What a body asks for; its items as they arrive. */
export interface BulkBody {
  readonly mode: Mode;
  readonly items: AsyncIterable<ReadValue> | Iterable<ReadValue>;
}

/** A request for a bulk, as far as its body goes. */
interface BulkRequest {
  readonly body: unknown;
  readonly query: Static<typeof bulkQuery>;
  readonly largeBody: LargeBody | null;
}

const isEnvelope = Compile(bulkEnvelope);

/** Hands bodies of NDJSON over as streams, to the routes that take them. */
export function registerNdjson(app: App): void {
  app.addContentTypeParser(ndjson, async (request: AnyRequest, body: Readable) => {
    if (!request.routeOptions.config.bulk) {
      throw new DomainError('invalid', 'UNSUPPORTED_MEDIA_TYPE', 'The body must be sent as application/json.');
    }
    refuseOtherEncodings(request.headers);
    return body;
  });
}

/** The bulk that a body asks for, sent as `{mode, items}`, as a list of items, or as one item per line. */
export function bulkBodyOf({ body, query, largeBody }: BulkRequest): BulkBody {
  if (body instanceof Readable) return { mode: query.mode ?? 'best_effort', items: itemsByLine(body) };
  const envelope = Array.isArray(body) ? { items: body } : body;
  if (!isEnvelope.Check(envelope))
    throw invalidRequest(toFieldErrors(isEnvelope.Errors(envelope), bulkEnvelope, 'body'));
  const mode = envelope.mode ?? query.mode ?? 'best_effort';
  return { mode, items: itemsOf(envelope.items, () => largeBody?.leave()) };
}

/** Lets go of each item once it has been read, and tells when that is over. */
function* itemsOf(items: unknown[], finished: () => void): Generator<ReadValue> {
  try {
    for (const [index, value] of items.entries()) {
      items[index] = undefined;
      yield { value };
    }
  } finally {
    finished();
  }
}

/** Reads the rest of a streamed body that is not wanted, so that its sender hears the answer; not without end. */
export async function discardRest(body: unknown): Promise<void> {
  if (!(body instanceof Readable) || body.readableEnded || body.destroyed) return;
  let total = 0;
  try {
    for await (const chunk of arriving(body)) {
      total += chunk.length;
      if (total > discardedBytes) return;
    }
  } catch {
    // nobody is there any more
  }
}

async function* itemsByLine(body: Readable): AsyncGenerator<ReadValue> {
  for await (const { number, bytes } of linesOf(body, { lineBytes, bodyBytes: bulkBodyBytes })) {
    if (bytes?.every(isBlank)) continue;
    yield bytes === undefined ? wrongLine(number, 'is too long') : readLine(number, bytes);
  }
}

/** Blanks, tabs and the carriage returns of other systems. */
const isBlank = (byte: number): boolean => byte === 0x20 || byte === 0x09 || byte === 0x0d;

function readLine(number: number, bytes: Buffer): ReadValue {
  try {
    return { value: parseJsonBody(bytes) };
  } catch (error) {
    if (!isKind(error, 'invalid')) throw error;
    const [field] = error.details.fields ?? [];
    return wrongLine(number, field ? `${field.field} ${field.message}` : error.message);
  }
}

const wrongLine = (number: number, what: string): ReadValue => ({
  wrong: invalidRequest([{ field: 'item', message: `line ${number}: ${what}` }]),
});
