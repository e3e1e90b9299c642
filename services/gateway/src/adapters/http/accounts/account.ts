import { type Account, AccountService } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { fingerprintOf } from '../../../domain/requests/idempotency.ts';
import { commandContext, ifVersionOf, principalOf } from '../answer-command.ts';
import type { AnyRequest, App } from '../app-types.ts';
import { ifNoneMatchHeader, keyedConditionalHeaders, keyedHeaders, taggedResponses } from '../command-docs.ts';
import { sendWithTag } from '../entity-tag.ts';
import { type ProblemStatus, problems } from '../problem-schemas.ts';
import {
  changeEmailBody,
  changePasswordBody,
  deleteAccountBody,
  publicProfileParams,
  type UpdateAccountBody,
  updateAccountBody,
} from './account-schemas.ts';
import type { AccountDeps } from './registration.ts';
import { accountTag, showAccount, showPublicProfile } from './show-account.ts';

const { method } = AccountService;
const tags = ['Account'];

const config = { user: true } as const;
const path = '/v1/account';

const responses = (answers: Record<number, object>, ...more: ProblemStatus[]) =>
  ({ ...answers, ...problems(401, 403, 404, 429, 500, 503, ...more) }) as unknown;
const writes = [400, 413, 415, 422, 504] as const;

/** The account of the user who asks, and what other users show. */
export function accountRoutes(app: App, deps: AccountDeps): void {
  readRoutes(app, deps);
  updateRoute(app, deps);
  passwordRoute(app, deps);
  emailRoute(app, deps);
  deleteRoute(app, deps);
}

function readRoutes(app: App, { auth }: AccountDeps): void {
  const account = {
    operationId: 'getAccount',
    summary: 'Get your account',
    tags,
    headers: ifNoneMatchHeader,
    response: responses(taggedResponses('Account', 'The account.')),
  };
  app.get(path, { schema: account, config }, async (request, reply) => {
    const own = present(await auth.read(method.getAccount, { principal: principalOf(request) }));
    return sendWithTag(request, reply, accountTag(own), () => JSON.stringify(showAccount(own)));
  });

  const profile = {
    operationId: 'getPublicProfile',
    summary: 'Get what a user shows to others',
    tags,
    params: publicProfileParams,
    response: responses({ 200: { $ref: 'PublicProfile#' } }),
  };
  app.get('/v1/users/:name', { schema: profile, config }, async (request, reply) => {
    const { name } = request.params;
    const shown = await auth.read(method.getPublicProfile, { principal: principalOf(request), name });
    return reply.send(showPublicProfile(shown));
  });
}

function updateRoute(app: App, deps: AccountDeps): void {
  const schema = {
    operationId: 'updateAccount',
    summary: 'Change your name or profile',
    description: 'A mail tells what was changed.',
    tags,
    headers: keyedConditionalHeaders,
    body: updateAccountBody,
    response: responses({ 200: taggedResponses('Account', 'As it is now.')[200] }, 409, 412, ...writes),
  };
  app.patch(path, { schema, config }, async (request, reply) => {
    const context = { ...ownContext(request, deps), ifVersion: ifVersionOf(request) };
    const account = present(await deps.auth.change(method.updateAccount, { ...toChanges(request.body), context }));
    return reply.header('ETag', accountTag(account)).send(showAccount(account));
  });
}

function passwordRoute(app: App, deps: AccountDeps): void {
  const schema = {
    operationId: 'changePassword',
    summary: 'Change your password',
    description: 'All sessions end, this one too.',
    tags,
    headers: keyedHeaders,
    body: changePasswordBody,
    response: responses({ 204: { description: 'It is the password now.', type: 'null' } }, 409, ...writes),
  };
  app.post(`${path}/password`, { schema, config }, async (request, reply) => {
    const { current_password: currentPassword, new_password: newPassword } = request.body;
    const context = ownContext(request, deps, {});
    await deps.auth.change(method.changePassword, { context, currentPassword, newPassword });
    return reply.code(204).send();
  });
}

function emailRoute(app: App, deps: AccountDeps): void {
  const schema = {
    operationId: 'changeEmail',
    summary: 'Ask for another address',
    description: 'A mail goes there; the address counts when it is confirmed (`/v1/auth/confirm-email`).',
    tags,
    headers: keyedHeaders,
    body: changeEmailBody,
    response: responses({ 202: { description: 'A mail is on its way.', type: 'null' } }, ...writes),
  };
  app.post(`${path}/email`, { schema, config }, async (request, reply) => {
    const { email, password } = request.body;
    await deps.auth.change(method.changeEmail, { context: ownContext(request, deps, { email }), email, password });
    return reply.code(202).send();
  });
}

function deleteRoute(app: App, deps: AccountDeps): void {
  const schema = {
    operationId: 'deleteAccount',
    summary: 'Delete your account',
    description: 'At once, with its sessions and API keys. The last admin’s stays (409).',
    tags,
    headers: keyedHeaders,
    body: deleteAccountBody,
    response: responses({ 204: { description: 'It is gone.', type: 'null' } }, 409, ...writes),
  };
  app.delete(path, { schema, config }, async (request, reply) => {
    const { password } = request.body;
    await deps.auth.change(method.deleteAccount, { context: ownContext(request, deps, {}), password });
    return reply.code(204).send();
  });
}

/**
 * What a command about one's own account carries. `told` is what an Idempotency-Key's fingerprint is made of: never passwords, which could
 * be guessed from it.
 */
const ownContext = (request: AnyRequest, { commandTimeoutMs }: AccountDeps, told: unknown = request.body) =>
  commandContext(request, new Date(Date.now() + commandTimeoutMs), () => fingerprintOf(told, request.query));

const toChanges = ({ name = '', profile = {}, public_fields }: UpdateAccountBody) => ({
  name,
  profile: Object.fromEntries(Object.entries(profile).map(([field, value]) => [field, value ?? ''])),
  ...(public_fields && { publicFields: { names: public_fields } }),
});

function present({ account }: { account?: Account | undefined }): Account {
  if (account === undefined) throw new DomainError('bug', 'INTERNAL', 'The answer has no account.');
  return account;
}
