import type { AuthAsk } from '../nats/auth-service.ts';
import { commandContext, ifVersionOf } from './answer-command.ts';
import type { AnyReply, AnyRequest } from './app-types.ts';
import { digestOf, sendTagged, sendWithTag } from './entity-tag.ts';
import { linkToNext } from './next-link.ts';
import { type ProblemStatus, responses } from './problem-schemas.ts';

/** What routes of administrators need: auth, and after how long a command is refused. */
export interface AdministrationDeps {
  readonly auth: AuthAsk;
  readonly commandTimeoutMs: number;
}

const changeProblems = [400, 409, 413, 415, 422, 504] as const;

const tag = { ETag: { type: 'string', description: 'Begins with the version, which is what If-Match compares.' } };

/** A document of that `$id`, with its tag and, where it was made, its place. */
export const tagged = (schemaId: string, description: string, isNew = false) => ({
  description,
  headers: { ...tag, ...(isNew && { Location: { type: 'string', description: 'Where it is.' } }) },
  content: { 'application/json': { schema: { $ref: `${schemaId}#` } } },
});

const notModified = { 304: { description: 'Nothing changed since that ETag.' } };

/** The responses of a route that shows a document of that `$id`. */
export const showing = (schemaId: string, description: string) =>
  responses({ 200: tagged(schemaId, description), ...notModified }, 404);

/** The responses of a route that shows pages of that `$id`. */
export const paging = (schemaId: string, ...more: ProblemStatus[]) => {
  const page = {
    description: 'A page.',
    headers: {
      ETag: { type: 'string', description: 'Tells this answer from others.' },
      Link: { type: 'string', description: '`<…>; rel="next"` when there is more.' },
    },
    content: { 'application/json': { schema: { $ref: `${schemaId}#` } } },
  };
  return responses({ 200: page, ...notModified }, 422, ...more);
};

/** The responses of a route that makes something. */
export const making = (answer: object) => responses({ 201: answer }, ...changeProblems);

/** The responses of a route that changes something. */
export const changing = (answer: object, ...more: ProblemStatus[]) =>
  responses({ 200: answer }, ...changeProblems, 404, ...more);

/** The responses of a route that ends something. `description`: what is so afterwards. */
export const ending = (description: string, ...more: ProblemStatus[]) =>
  responses({ 204: { description, type: 'null' } }, 404, 409, 422, 504, ...more);

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
