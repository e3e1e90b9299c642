import { createHash } from 'node:crypto';
import type { AnyReply, AnyRequest } from './app-types.ts';

/** What tells one text from another, in characters that a tag may have. */
export const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 27);

/** Answers `document` with an ETag made of its text, or 304 when the caller has it already. */
export function sendTagged(request: AnyRequest, reply: AnyReply, document: unknown): unknown {
  const body = JSON.stringify(document);
  return sendWithTag(request, reply, `"${digestOf(body)}"`, () => body);
}

/** Answers the JSON text of `body` with the ETag `tag`, or 304 when the caller has it already. */
export function sendWithTag(request: AnyRequest, reply: AnyReply, tag: string, body: () => string | Buffer): unknown {
  reply.header('ETag', tag).header('Cache-Control', 'private, no-cache');
  if (matches(request.headers['if-none-match'], tag)) return reply.code(304).send();
  return reply.type('application/json; charset=utf-8').send(body());
}

/** Compares as RFC 9110 wants it for reads: weakly, with any of a list, `*` being any. */
export const matches = (ifNoneMatch: string | undefined, tag: string): boolean =>
  ifNoneMatch !== undefined &&
  (ifNoneMatch.trim() === '*' || ifNoneMatch.split(',').some((known) => known.trim().replace(/^W\//, '') === tag));
