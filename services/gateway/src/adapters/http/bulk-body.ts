import { Readable } from 'node:stream';
import { DomainError, isKind } from '@berth/errors';
import type { Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { invalidRequest } from '../../domain/field-checks.ts';
import type { AnyRequest, App } from './app-types.ts';
import type { ReadValue } from './bulk-items.ts';
import { arriving, linesOf } from './bulk-lines.ts';
import { bulkEnvelope, type bulkQuery } from './documents/bulk.ts';
import { toFieldErrors } from './field-errors.ts';
import { parseJsonBody, refuseOtherEncodings } from './json-body.ts';

export const ndjson = 'application/x-ndjson';

/** Of the routes that take bulks. */
export const bulkBodyBytes = 33_554_432;
const lineBytes = 1_048_576;

export type Mode = 'best_effort' | 'atomic';

/** What a body asks for; its items as they arrive. */
export interface BulkBody {
  readonly mode: Mode;
  readonly items: AsyncIterable<ReadValue> | Iterable<ReadValue>;
}

const isEnvelope = Compile(bulkEnvelope);

/** Hands bodies of NDJSON over as streams, to the routes that take them. */
export function registerNdjson(app: App): void {
  app.addContentTypeParser(ndjson, async (request: AnyRequest, body: Readable) => {
    if (!request.routeOptions.config.ndjson) {
      throw new DomainError('invalid', 'UNSUPPORTED_MEDIA_TYPE', 'The body must be sent as application/json.');
    }
    refuseOtherEncodings(request.headers);
    return body;
  });
}

/** The bulk that a body asks for, sent as `{mode, items}`, as a list of items, or as one item per line. */
export function bulkBodyOf(body: unknown, query: Static<typeof bulkQuery>): BulkBody {
  if (body instanceof Readable) return { mode: query.mode ?? 'best_effort', items: itemsByLine(body) };
  const envelope = Array.isArray(body) ? { items: body } : body;
  if (!isEnvelope.Check(envelope))
    throw invalidRequest(toFieldErrors(isEnvelope.Errors(envelope), bulkEnvelope, 'body'));
  const mode = envelope.mode ?? query.mode ?? 'best_effort';
  return { mode, items: envelope.items.map((value) => ({ value })) };
}

/** Reads the rest of a streamed body that is not wanted, so that its sender hears the answer; not without end. */
export async function discardRest(body: unknown): Promise<void> {
  if (!(body instanceof Readable) || body.readableEnded || body.destroyed) return;
  let total = 0;
  try {
    for await (const chunk of arriving(body)) {
      total += chunk.length;
      if (total > bulkBodyBytes) return;
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
