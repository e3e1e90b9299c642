import { type GetSubscriptionsResponse, type Mail, MailService } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';
import { isUuid } from '../../../domain/vms/vm-name.ts';
import type { AuthAsk } from '../../nats/auth-service.ts';
import { commandContext, principalOf } from '../answer-command.ts';
import type { AnyRequest, App } from '../app-types.ts';
import { keyedHeaders } from '../command-docs.ts';
import { emptyBody } from '../common-schemas.ts';
import { responses } from '../problem-schemas.ts';
import {
  type MailDocument,
  mailParams,
  mailsQuery,
  type SubscriptionsDocument,
  subscriptionsBody,
  testMailBody,
} from './mail-schemas.ts';

export interface MailDeps {
  readonly mails: AuthAsk;
  /** After so long a command is refused. */
  readonly commandTimeoutMs: number;
}

const { method } = MailService;
const path = '/v1/admin/mails';
const config = { permission: 'mails:admin' } as const;
const tags = ['Mails'];

/** Mails for administrators, and what users want to hear of by mail. */
export function mailRoutes(app: App, deps: MailDeps): void {
  listRoute(app, deps);
  retryRoute(app, deps);
  testRoute(app, deps);
  subscriptionRoutes(app, deps);
}

function listRoute(app: App, { mails }: MailDeps): void {
  const schema = {
    operationId: 'listMails',
    summary: 'List mails',
    description: 'The newest first. What they say is not shown: it may be secret. Kept for 30 days.',
    tags,
    querystring: mailsQuery,
    response: responses({ 200: { $ref: 'MailPage#' } }, 422),
  };
  app.get(path, { schema, config }, async (request, reply) => {
    const { limit = 0, cursor = '', state = '' } = request.query;
    const question = { principal: principalOf(request), state, pageSize: limit, pageToken: cursor };
    const page = await mails.read(method.listMails, question);
    return reply.send({ items: page.mails.map(showMail), next_cursor: page.nextPageToken || null });
  });
}

function retryRoute(app: App, { mails, commandTimeoutMs }: MailDeps): void {
  const schema = {
    operationId: 'retryMail',
    summary: 'Send a mail now',
    description: 'One that waits, or that failed within the last day.',
    tags,
    headers: keyedHeaders,
    params: mailParams,
    body: emptyBody,
    response: responses({ 200: { $ref: 'Mail#' } }, 422, 400, 404, 409, 413, 415, 504),
  };
  app.post(`${path}/:id/retry`, { schema, config: { ...config, bodyOptional: true } }, async (request, reply) => {
    const { id } = request.params;
    if (!isUuid(id)) throw new DomainError('not_found', 'MAIL_NOT_FOUND', 'There is no such mail.');
    const context = contextOf(request, commandTimeoutMs);
    const { mail } = await mails.change(method.retryMail, { id: id.toLowerCase(), context });
    return reply.send(showMail(mail));
  });
}

function testRoute(app: App, { mails, commandTimeoutMs }: MailDeps): void {
  const schema = {
    operationId: 'sendTestMail',
    summary: 'Send a test mail',
    description: 'It waits with the others: `GET /v1/admin/mails` shows what becomes of it.',
    tags,
    headers: keyedHeaders,
    body: testMailBody,
    response: responses({ 204: { description: 'It waits to be sent.', type: 'null' } }, 422, 400, 409, 413, 415, 504),
  };
  app.post(`${path}/test`, { schema, config }, async (request, reply) => {
    const context = contextOf(request, commandTimeoutMs);
    await mails.change(method.sendTestMail, { recipient: request.body.to, context });
    return reply.code(204).send();
  });
}

function subscriptionRoutes(app: App, { mails, commandTimeoutMs }: MailDeps): void {
  const url = '/v1/account/subscriptions';
  const read = {
    operationId: 'getSubscriptions',
    summary: 'Get what you hear of by mail',
    tags: ['Account'],
    response: responses({ 200: { $ref: 'Subscriptions#' } }, 422),
  };
  app.get(url, { schema: read, config: { user: true } }, async (request, reply) => {
    const found = await mails.read(method.getSubscriptions, { principal: principalOf(request) });
    return reply.send(showSubscriptions(found));
  });
  const change = {
    operationId: 'setSubscriptions',
    summary: 'Choose what you hear of by mail',
    description: 'Mails go to your address once you have confirmed it.',
    tags: ['Account'],
    headers: keyedHeaders,
    body: subscriptionsBody,
    response: responses({ 200: { $ref: 'Subscriptions#' } }, 422, 400, 409, 413, 415, 504),
  };
  app.put(url, { schema: change, config: { user: true } }, async (request, reply) => {
    const context = contextOf(request, commandTimeoutMs);
    const { topics } = request.body;
    return reply.send(showSubscriptions(await mails.change(method.setSubscriptions, { topics, context })));
  });
}

const contextOf = (request: AnyRequest, commandTimeoutMs: number) =>
  commandContext(request, new Date(Date.now() + commandTimeoutMs));

const showTime = (time: Timestamp | undefined): string | null => (time ? timestampDate(time).toISOString() : null);

function showMail(mail: Mail | undefined): MailDocument {
  if (mail === undefined) throw new DomainError('bug', 'INTERNAL', 'An answer came without its mail.');
  return {
    id: mail.id,
    template: mail.template,
    recipient: mail.recipient,
    user_id: mail.userId || null,
    state: mail.state === 'sent' || mail.state === 'failed' ? mail.state : 'waiting',
    attempts: mail.attempts,
    last_error: mail.lastError || null,
    created_at: showTime(mail.createdAt) ?? new Date(0).toISOString(),
    next_attempt_at: showTime(mail.nextAttemptAt),
    ended_at: showTime(mail.endedAt),
  };
}

const showSubscriptions = ({ topics, available }: Pick<GetSubscriptionsResponse, 'topics' | 'available'>) =>
  ({
    topics,
    available: available.map(({ name, description, permission }) => ({ name, description, permission })),
  }) satisfies SubscriptionsDocument;
