import { createHash } from 'node:crypto';
import type { AnyReply, AnyRequest } from './app-types.ts';

/** Answers `document` with its ETag, or 304 when the caller has it already. */
export function sendTagged(request: AnyRequest, reply: AnyReply, document: unknown): unknown {
  const body = JSON.stringify(document);
  const tag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
  reply.header('ETag', tag).header('Cache-Control', 'private, no-cache');
  if (matches(request.headers['if-none-match'], tag)) return reply.code(304).send();
  return reply.type('application/json; charset=utf-8').send(body);
}

/** Compares as RFC 9110 wants it for reads: weakly, with any of a list, `*` being any. */
export const matches = (ifNoneMatch: string | undefined, tag: string): boolean =>
  ifNoneMatch !== undefined &&
  (ifNoneMatch.trim() === '*' || ifNoneMatch.split(',').some((known) => known.trim().replace(/^W\//, '') === tag));
