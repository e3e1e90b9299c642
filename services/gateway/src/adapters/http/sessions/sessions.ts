import { type Session, SessionService } from '@berth/contracts';
import { userIdOf } from '../../../domain/users/user-id.ts';
import type { AuthAsk } from '../../nats/auth-service.ts';
import { commandContext, principalOf } from '../answer-command.ts';
import type { AnyRequest, App } from '../app-types.ts';
import { keyedHeaders } from '../command-docs.ts';
import { type ProblemStatus, problems } from '../problem-schemas.ts';
import { showTime } from '../show-time.ts';
import { type SessionDocument, sessionParams, userIdParams } from './session-schemas.ts';

export interface SessionDeps {
  readonly auth: AuthAsk;
  readonly commandTimeoutMs: number;
}

const { method } = SessionService;
const path = '/v1/account/sessions';
const ofUserPath = '/v1/admin/users/:id/sessions';
const config = { user: true } as const;
const tags = ['Account'];

const ended = (...more: ProblemStatus[]) => ({
  204: { description: 'Ended.', type: 'null' },
  ...problems(401, 403, 409, 422, 429, 500, 503, 504, ...more),
});

/** A user's own sessions, and those of another user for administrators. */
export function sessionRoutes(app: App, deps: SessionDeps): void {
  listRoute(app, deps);
  endRoutes(app, deps);
  listOfUserRoute(app, deps);
  endOfUserRoute(app, deps);
}

function listRoute(app: App, { auth }: SessionDeps): void {
  const schema = {
    operationId: 'listSessions',
    summary: 'Where I am signed in',
    tags,
    response: { 200: { $ref: 'SessionList#' }, ...problems(401, 403, 422, 429, 500, 503) } as unknown,
  };
  app.get(path, { schema, config }, async (request, reply) => {
    const principal = principalOf(request);
    const { sessions } = await auth.read(method.listSessions, { principal });
    return reply.send({ items: sessions.map((session) => showSession(session, principal.sessionId)) });
  });
}

function endRoutes(app: App, { auth, commandTimeoutMs }: SessionDeps): void {
  const end = (request: AnyRequest, id: string) =>
    auth.change(method.endSessions, { id, context: contextOf(request, commandTimeoutMs) });
  const one = {
    operationId: 'endSession',
    summary: 'Sign out elsewhere',
    description: 'At once, on every gateway.',
    tags,
    headers: keyedHeaders,
    params: sessionParams,
    response: ended(404),
  };
  app.delete(`${path}/:id`, { schema: one, config }, async (request, reply) => {
    await end(request, request.params.id);
    return reply.code(204).send();
  });
  const others = {
    operationId: 'endOtherSessions',
    summary: 'Sign out everywhere else',
    description: 'All sessions of mine end but the one that asks.',
    tags,
    headers: keyedHeaders,
    response: ended(),
  };
  app.delete(path, { schema: others, config }, async (request, reply) => {
    await end(request, '');
    return reply.code(204).send();
  });
}

function listOfUserRoute(app: App, { auth }: SessionDeps): void {
  const schema = {
    operationId: 'listSessionsOfUser',
    summary: 'Where a user is signed in',
    tags: ['Users'],
    params: userIdParams,
    response: { 200: { $ref: 'SessionList#' }, ...problems(401, 403, 404, 422, 429, 500, 503) } as unknown,
  };
  app.get(ofUserPath, { schema, config: { permission: 'users:admin' } }, async (request, reply) => {
    const principal = principalOf(request);
    const question = { principal, userId: userIdOf(request.params.id) };
    const { sessions } = await auth.read(method.listSessions, question);
    return reply.send({ items: sessions.map((session) => showSession(session, principal.sessionId)) });
  });
}

function endOfUserRoute(app: App, { auth, commandTimeoutMs }: SessionDeps): void {
  const schema = {
    operationId: 'endSessionsOfUser',
    summary: 'End all sessions of a user',
    description: 'At once, on every gateway. The user may sign in again, and API keys go on.',
    tags: ['Users'],
    headers: keyedHeaders,
    params: userIdParams,
    response: ended(404),
  };
  app.delete(ofUserPath, { schema, config: { permission: 'users:admin' } }, async (request, reply) => {
    const context = contextOf(request, commandTimeoutMs);
    await auth.change(method.signOutEverywhere, { userId: userIdOf(request.params.id), context });
    return reply.code(204).send();
  });
}

const contextOf = (request: AnyRequest, commandTimeoutMs: number) =>
  commandContext(request, new Date(Date.now() + commandTimeoutMs));

const showSession = (session: Session, currentId: string): SessionDocument => ({
  id: session.id,
  device: session.device,
  address: session.clientAddress,
  created_at: showTime(session.createdAt),
  last_seen_at: showTime(session.lastSeenAt),
  expires_at: session.expiresAt ? showTime(session.expiresAt) : null,
  current: session.id === currentId,
});
