import { createHash } from 'node:crypto';
import { DomainError } from '@berth/errors';

/** 1 to 255 visible ASCII characters. */
const keyPattern = /^[\x21-\x7e]{1,255}$/;

/** The `Idempotency-Key` header; absent when the caller gave none. */
export function parseIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined || keyPattern.test(header)) return header;
  throw new DomainError('invalid', 'INVALID_REQUEST', 'The header Idempotency-Key is not valid; see errors.', {
    fields: [{ field: 'Idempotency-Key', message: 'must be 1 to 255 visible ASCII characters' }],
  });
}

/** SHA-256 over what was asked, the same for bodies that differ only in white space and in the order of members. */
export const fingerprintOf = (body: unknown, query: unknown): Uint8Array<ArrayBuffer> =>
  new Uint8Array(
    createHash('sha256')
      .update(canonicalJson({ body: body ?? null, query: query ?? null }))
      .digest(),
  );

/** JSON with its members sorted. Descends as deep as the value goes: for validated bodies only. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, inner]) => `${JSON.stringify(name)}:${canonicalJson(inner)}`);
  return `{${members.join(',')}}`;
}
