import type { AuthAsk } from '../nats/auth-service.ts';
import { commandContext, ifVersionOf } from './answer-command.ts';
import type { AnyReply, AnyRequest } from './app-types.ts';
import { type ProblemStatus, problems } from './documents/problem.ts';
import { digestOf, sendTagged, sendWithTag } from './entity-tag.ts';
import { linkToNext } from './next-link.ts';

/** What routes of administrators need: auth, and after how long a command is refused. */
export interface AdministrationDeps {
  readonly auth: AuthAsk;
  readonly commandTimeoutMs: number;
}

/** The responses of a route: what it answers, and the problems. */
export const responses = (answers: object, ...more: ProblemStatus[]) =>
  ({ ...answers, ...problems(401, 403, 429, 500, 503, ...more) }) as unknown;

/** The problems that every change can have, beside those of all routes. */
export const changeProblems = [400, 409, 413, 415, 422, 504] as const;

const tag = { ETag: { type: 'string', description: 'Begins with the version, which is what If-Match compares.' } };

/** A document of that `$id`, with its tag and, where it was made, its place. */
export const tagged = (schemaId: string, description: string, isNew = false) => ({
  description,
  headers: { ...tag, ...(isNew && { Location: { type: 'string', description: 'Where it is.' } }) },
  content: { 'application/json': { schema: { $ref: `${schemaId}#` } } },
});

/** A page of that `$id`. */
export const pageAnswer = (schemaId: string) => ({
  description: 'A page.',
  headers: {
    ETag: { type: 'string', description: 'Tells this answer from others.' },
    Link: { type: 'string', description: '`<…>; rel="next"` when there is more.' },
  },
  content: { 'application/json': { schema: { $ref: `${schemaId}#` } } },
});

/** What is answered when the caller has the document already. */
export const notModified = { 304: { description: 'Nothing changed since that ETag.' } };

/** What a command carries, with the version that the caller wants to change. */
export const contextOf = (
  { commandTimeoutMs }: AdministrationDeps,
  request: AnyRequest,
  fingerprint?: () => Uint8Array<ArrayBuffer>,
) => ({
  ...commandContext(request, new Date(Date.now() + commandTimeoutMs), fingerprint),
  ifVersion: ifVersionOf(request),
});

/** Answers a document that has a version. */
export function sendVersioned(request: AnyRequest, reply: AnyReply, document: { readonly version: number }): unknown {
  const body = JSON.stringify(document);
  return sendWithTag(request, reply, `"${document.version}-${digestOf(body)}"`, () => body);
}

/** Answers a page, with the address of the next one. */
export function sendPage(request: AnyRequest, reply: AnyReply, items: readonly object[], nextToken: string): unknown {
  if (nextToken !== '') reply.header('Link', linkToNext(request.url, nextToken));
  return sendTagged(request, reply, { items, next_cursor: nextToken || null });
}
