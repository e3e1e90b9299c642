import { DomainError } from '@berth/errors';
import { invalidRequest } from '../field-checks.ts';

const entityTag = /^(W\/)?"([\x21\x23-\x7e]*)"$/;
const version = /^([1-9][0-9]{0,18})(?:-|$)/;

/**
 * The version that an `If-Match` asks for; undefined when any will do (no header, or `*`). Our tags begin with the version, and writes
 * compare that alone. A weak tag never matches (RFC 9110), nor does one that was not given out here.
 */
export function parseIfMatch(header: string | undefined): bigint | undefined {
  const tag = header?.trim();
  if (tag === undefined || tag === '*') return undefined;
  const [, weak, text = ''] = entityTag.exec(tag) ?? refuseNoTag();
  const asked = version.exec(text)?.[1];
  if (weak !== undefined || asked === undefined || BigInt(asked) > mostVersions) throw versionMismatch();
  return BigInt(asked);
}

/** The tag that an `If-Match` asks for, where tags are compared whole; empty when any will do (no header, or `*`). */
export function parseIfTag(header: string | undefined): string {
  const tag = header?.trim();
  if (tag === undefined || tag === '*') return '';
  const [, weak, text = ''] = entityTag.exec(tag) ?? refuseNoTag();
  if (weak !== undefined || text === '') throw versionMismatch();
  return text;
}

function refuseNoTag(): never {
  throw invalidRequest([{ field: 'If-Match', message: 'must be one ETag in double quotes, as it was answered, or *' }]);
}

const mostVersions = 2n ** 63n - 1n;

const versionMismatch = (): DomainError =>
  new DomainError('precondition_failed', 'VERSION_MISMATCH', 'It has changed since that version: read it again.');
