import { isIP } from 'node:net';
import { type Block, LimitService } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { invalidRequest } from '../../../domain/field-checks.ts';
import { subjectOfAddress } from '../../../domain/limits/counted-address.ts';
import { commandContext, principalOf } from '../answer-command.ts';
import type { App } from '../app-types.ts';
import { keyedHeaders } from '../command-docs.ts';
import { pageQuery } from '../common-schemas.ts';
import { responses } from '../problem-schemas.ts';
import { addBlockBody, type BlockDocument, blockParams } from './limit-schemas.ts';
import type { LimitDeps } from './limits.ts';

type Deps = LimitDeps & { readonly isExempt: (address: string) => boolean };

const { method } = LimitService;
const path = '/v1/admin/blocks';
const config = { permission: 'limits:admin' } as const;
const tags = ['Limits'];

/** Who is kept out: listed, added and lifted. */
export function blockRoutes(app: App, deps: Deps): void {
  listRoute(app, deps);
  addRoute(app, deps);
  liftRoute(app, deps);
}

function listRoute(app: App, { limits }: Deps): void {
  const schema = {
    operationId: 'listBlocks',
    summary: 'List who is kept out',
    tags,
    querystring: pageQuery(500),
    response: responses({ 200: { $ref: 'BlockPage#' } }, 422),
  };
  app.get(path, { schema, config }, async (request, reply) => {
    const { limit = 0, cursor = '' } = request.query;
    const question = { principal: principalOf(request), pageSize: limit, pageToken: cursor };
    const { blocks, nextPageToken } = await limits.read(method.listBlocks, question);
    return reply.send({ items: blocks.map(showBlock), next_cursor: nextPageToken || null });
  });
}

function addRoute(app: App, { limits, commandTimeoutMs, isExempt }: Deps): void {
  const schema = {
    operationId: 'addBlock',
    summary: 'Keep somebody out',
    description: 'An address, a user or a key, on every gateway within a second. Again: with the new end and reason.',
    tags,
    headers: keyedHeaders,
    body: addBlockBody,
    response: responses({ 201: { $ref: 'Block#' } }, 422, 400, 404, 409, 413, 415, 504),
  };
  app.post(path, { schema, config }, async (request, reply) => {
    const { reason, seconds } = request.body;
    const subject = countedSubject(request.body.subject, isExempt);
    const context = commandContext(request, new Date(Date.now() + commandTimeoutMs));
    const message = { subject, reason, seconds: BigInt(seconds ?? 0), context };
    const { block } = await limits.change(method.addBlock, message);
    return reply
      .code(201)
      .header('Location', `${path}/${encodeURIComponent(subject)}`)
      .send(showBlock(block));
  });
}

function liftRoute(app: App, { limits, commandTimeoutMs }: Deps): void {
  const schema = {
    operationId: 'liftBlock',
    summary: 'Let somebody in again',
    tags,
    headers: keyedHeaders,
    params: blockParams,
    response: responses({ 204: { description: 'It is lifted.', type: 'null' } }, 422, 404, 504),
  };
  app.delete(`${path}/:subject`, { schema, config }, async (request, reply) => {
    const context = commandContext(request, new Date(Date.now() + commandTimeoutMs));
    const subject = countedSubject(request.params.subject, () => false);
    await limits.change(method.liftBlock, { subject, context });
    return reply.code(204).send();
  });
}

/** The subject as requests are counted by it: ids may be written in capitals too. Auth checks what is no address. */
function countedSubject(text: string, isExempt: (address: string) => boolean): string {
  const [, address] = /^ip:(.*?)(?:\/64)?$/.exec(text) ?? [];
  if (address === undefined) return text.toLowerCase();
  if (isIP(address) === 0) throw invalidRequest([{ field: 'subject', message: 'must hold an IP address after ip:' }]);
  if (!isExempt(address)) return subjectOfAddress(address);
  throw new DomainError('conflict', 'ADDRESS_NEVER_BLOCKED', 'The setting BERTH_NEVER_BLOCK has this address.');
}

function showBlock(block: Block | undefined): BlockDocument {
  if (block?.blockedAt === undefined) throw new DomainError('bug', 'INTERNAL', 'An answer came without its block.');
  const { subject, reason, automatic, repetitions, by, byName, blockedAt, until } = block;
  return {
    ...{ subject, reason, automatic, repetitions },
    blocked_at: timestampDate(blockedAt).toISOString(),
    until: until ? timestampDate(until).toISOString() : null,
    blocked_by: byName || by || null,
  };
}
