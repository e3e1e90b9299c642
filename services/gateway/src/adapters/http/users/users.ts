import { fingerprintOf } from '../../../domain/requests/idempotency.ts';
import { userIdOf } from '../../../domain/users/user-id.ts';
import {
  type AdministrationDeps,
  changing,
  contextOf,
  ending,
  making,
  paging,
  sendPage,
  sendVersioned,
  showing,
  tagged,
} from '../administration.ts';
import { principalOf } from '../answer-command.ts';
import type { App } from '../app-types.ts';
import { ifNoneMatchHeader, keyedConditionalHeaders, keyedHeaders } from '../command-docs.ts';
import { present, showUser } from './show-access.ts';
import { maskOf, toUser } from './to-access.ts';
import { userAdministration } from './user-administration.ts';
import { createUserBody, listUsersQuery, updateUserBody, userParams } from './user-schemas.ts';

const { method, path, onePath, reading, administering, tags } = userAdministration;

/** Users: made, listed, looked at, changed and removed. */
export function userRoutes(app: App, deps: AdministrationDeps): void {
  readRoutes(app, deps);
  createRoute(app, deps);
  updateRoute(app, deps);
  deleteRoute(app, deps);
}

function readRoutes(app: App, { auth }: AdministrationDeps): void {
  const list = {
    ...{ operationId: 'listUsers', summary: 'List users', tags, headers: ifNoneMatchHeader },
    description: 'In the order of their names, 100 at a time, unless the query says otherwise.',
    querystring: listUsersQuery,
    response: paging('UserPage'),
  };
  app.get(path, { schema: list, config: reading }, async (request, reply) => {
    const { limit: pageSize = 0, cursor: pageToken = '', sort = '', ...filter } = request.query;
    const question = { principal: principalOf(request), filter, sort, pageSize, pageToken };
    const { users, nextPageToken } = await auth.read(method.listUsers, question);
    return sendPage(request, reply, users.map(showUser), nextPageToken);
  });

  const get = {
    ...{ operationId: 'getUser', summary: 'Get a user', tags, headers: ifNoneMatchHeader, params: userParams },
    response: showing('User', 'The user.'),
  };
  app.get(onePath, { schema: get, config: reading }, async (request, reply) => {
    const question = { principal: principalOf(request), id: userIdOf(request.params.id) };
    const { user } = await auth.read(method.getUserRecord, question);
    return sendVersioned(request, reply, showUser(present(user)));
  });
}

function createRoute(app: App, deps: AdministrationDeps): void {
  const schema = {
    ...{ operationId: 'createUser', summary: 'Make a user', tags, headers: keyedHeaders },
    description:
      'Without a password they are asked by mail to choose one. Nobody gives more than they hold themselves.',
    body: createUserBody,
    response: making(tagged('User', 'The user.', true)),
  };
  app.post(path, { schema, config: administering }, async (request, reply) => {
    const { password = '', email_verified: emailVerified = false, ...terms } = request.body;
    // What is kept to know a repeat by is no place for a password, not even for its hash.
    const fingerprint = () => fingerprintOf({ ...request.body, password: password !== '' }, request.query);
    const context = contextOf(deps, request, fingerprint);
    const answer = await deps.auth.change(method.createUser, { user: toUser(terms), password, emailVerified, context });
    const user = showUser(present(answer.user));
    return sendVersioned(request, reply.code(201).header('Location', `${path}/${user.id}`), user);
  });
}

function updateRoute(app: App, deps: AdministrationDeps): void {
  const schema = {
    ...{ operationId: 'updateUser', summary: 'Change a user', tags, headers: keyedConditionalHeaders },
    description: 'Other groups hold at once, on every gateway. Nobody changes who holds more than they do.',
    ...{ params: userParams, body: updateUserBody },
    response: changing(tagged('User', 'The user.'), 412),
  };
  app.patch(onePath, { schema, config: administering }, async (request, reply) => {
    const user = { id: userIdOf(request.params.id), ...toUser(request.body) };
    const { email_verified: emailVerified = false } = request.body;
    const message = { user, emailVerified, updateMask: maskOf(request.body), context: contextOf(deps, request) };
    const answer = await deps.auth.change(method.updateUser, message);
    return sendVersioned(request, reply, showUser(present(answer.user)));
  });
}

function deleteRoute(app: App, deps: AdministrationDeps): void {
  const schema = {
    ...{ operationId: 'deleteUser', summary: 'Remove a user', tags, headers: keyedConditionalHeaders },
    description: 'For good: nothing that they hold opens anything from then on. The last admin stays.',
    params: userParams,
    response: ending('They are gone.', 412),
  };
  app.delete(onePath, { schema, config: administering }, async (request, reply) => {
    const message = { id: userIdOf(request.params.id), context: contextOf(deps, request) };
    await deps.auth.change(method.removeUser, message);
    return reply.code(204).send();
  });
}
