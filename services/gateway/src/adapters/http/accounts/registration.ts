import { AccountService } from '@berth/contracts';
import type { AuthAsk } from '../../nats/auth-service.ts';
import { openContext } from '../answer-command.ts';
import type { AnyRequest, App } from '../app-types.ts';
import { type ProblemStatus, problems } from '../problem-schemas.ts';
import { confirmEmailBody, emailBody, registerBody, resetPasswordBody, verifyEmailBody } from './account-schemas.ts';

/** What the routes of accounts need: the service, and after how long a command is refused. */
export interface AccountDeps {
  readonly auth: AuthAsk;
  readonly commandTimeoutMs: number;
}

const { method } = AccountService;

/** Strangers send these: there is nobody whose repeats an Idempotency-Key could tell. */
const open = { tags: ['Sign-in'], security: [] };
const config = { open: true } as const;

/** 202: whether a mail goes out is decided after the answer, so that nobody learns which addresses have accounts. */
const mailed = (...more: ProblemStatus[]) => answer(202, 'Taken. What follows comes by mail, if at all.', ...more);
const done = (description: string, ...more: ProblemStatus[]) => answer(204, description, ...more);

const answer = (status: 202 | 204, description: string, ...more: ProblemStatus[]) =>
  ({
    [status]: { description, type: 'null' },
    ...problems(400, 413, 415, 422, 429, 500, 503, 504, ...more),
  }) as unknown;

/** Accounts that strangers ask for, and what they do with the tokens of mails. */
export function registrationRoutes(app: App, deps: AccountDeps): void {
  registerRoute(app, deps);
  verifyEmailRoute(app, deps);
  resendRoute(app, deps);
  forgotPasswordRoute(app, deps);
  resetPasswordRoute(app, deps);
  confirmEmailRoute(app, deps);
}

function registerRoute(app: App, deps: AccountDeps): void {
  const schema = {
    operationId: 'registerAccount',
    summary: 'Ask for an account',
    description: 'Answered alike whether or not the name or the address is taken: what is to be done comes by mail.',
    ...open,
    body: registerBody,
    response: mailed(403),
  };
  app.post('/v1/auth/register', { schema, config }, async (request, reply) => {
    const { name, email, password } = request.body;
    const context = strangersContext(request, deps);
    await deps.auth.change(method.registerAccount, { context, name, email, password });
    return reply.code(202).send();
  });
}

function verifyEmailRoute(app: App, deps: AccountDeps): void {
  const schema = {
    operationId: 'verifyEmail',
    summary: 'Prove the address of a registration',
    description: 'Makes the account. When the name was taken meanwhile (409), send the same token with another `name`.',
    ...open,
    body: verifyEmailBody,
    response: done('The account is there.', 403, 409),
  };
  app.post('/v1/auth/verify-email', { schema, config }, async (request, reply) => {
    const { token, name = '' } = request.body;
    await deps.auth.change(method.verifyEmail, { context: strangersContext(request, deps), token, name });
    return reply.code(204).send();
  });
}

function resendRoute(app: App, deps: AccountDeps): void {
  const schema = {
    operationId: 'resendVerification',
    summary: 'Ask for the mail of a registration again',
    description: 'Answered alike whether or not there is such a registration. The token of earlier mails ends.',
    ...open,
    body: emailBody,
    response: mailed(),
  };
  app.post('/v1/auth/resend-verification', { schema, config }, async (request, reply) => {
    const { email } = request.body;
    await deps.auth.change(method.resendVerification, { context: strangersContext(request, deps), email });
    return reply.code(202).send();
  });
}

function forgotPasswordRoute(app: App, deps: AccountDeps): void {
  const schema = {
    operationId: 'forgotPassword',
    summary: 'Ask for a mail with which a new password can be chosen',
    description: 'Answered alike whether or not there is such an account. The token of an earlier mail ends.',
    ...open,
    body: emailBody,
    response: mailed(),
  };
  app.post('/v1/auth/forgot-password', { schema, config }, async (request, reply) => {
    const { email } = request.body;
    await deps.auth.change(method.forgotPassword, { context: strangersContext(request, deps), email });
    return reply.code(202).send();
  });
}

function resetPasswordRoute(app: App, deps: AccountDeps): void {
  const schema = {
    operationId: 'resetPassword',
    summary: 'Choose a new password with the token of a mail',
    description: 'All sessions of the user end.',
    ...open,
    body: resetPasswordBody,
    response: done('It is the password now.', 409),
  };
  app.post('/v1/auth/reset-password', { schema, config }, async (request, reply) => {
    const { token, password } = request.body;
    await deps.auth.change(method.resetPassword, { context: strangersContext(request, deps), token, password });
    return reply.code(204).send();
  });
}

function confirmEmailRoute(app: App, deps: AccountDeps): void {
  const schema = {
    operationId: 'confirmEmail',
    summary: 'Prove a user’s new address',
    description: 'From now on it is the user’s address.',
    ...open,
    body: confirmEmailBody,
    response: done('It is the address now.'),
  };
  app.post('/v1/auth/confirm-email', { schema, config }, async (request, reply) => {
    const { token } = request.body;
    await deps.auth.change(method.confirmEmail, { context: strangersContext(request, deps), token });
    return reply.code(204).send();
  });
}

const strangersContext = (request: AnyRequest, { commandTimeoutMs }: AccountDeps) =>
  openContext(request, new Date(Date.now() + commandTimeoutMs));
