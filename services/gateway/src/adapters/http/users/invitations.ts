import {
  type AdministrationDeps,
  contextOf,
  ending,
  making,
  paging,
  sendPage,
  sendVersioned,
  tagged,
} from '../administration.ts';
import { openContext, principalOf } from '../answer-command.ts';
import type { App } from '../app-types.ts';
import { ifNoneMatchHeader, keyedHeaders } from '../command-docs.ts';
import { problems } from '../problem-schemas.ts';
import {
  acceptInvitationBody,
  createInvitationBody,
  invitationParams,
  listInvitationsQuery,
} from './invitation-schemas.ts';
import { present, showInvitation, showUser } from './show-access.ts';
import { userAdministration } from './user-administration.ts';

const { method, reading, administering, tags } = userAdministration;
const path = '/v1/admin/invitations';

/** Invitations: sent, listed, revoked and accepted. */
export function invitationRoutes(app: App, deps: AdministrationDeps): void {
  createRoute(app, deps);
  listRoute(app, deps);
  revokeRoute(app, deps);
  acceptRoute(app, deps);
}

function createRoute(app: App, deps: AdministrationDeps): void {
  const schema = {
    ...{ operationId: 'createInvitation', summary: 'Invite somebody by mail', tags, headers: keyedHeaders },
    description: 'The token is in the mail alone. An earlier open invitation of the same address ends.',
    body: createInvitationBody,
    response: making({ $ref: 'Invitation#' }),
  };
  app.post(path, { schema, config: administering }, async (request, reply) => {
    const { email, groups = [], expires_in_days: expiresInDays = 0, name = '' } = request.body;
    const message = { email, groups, expiresInDays, name, context: contextOf(deps, request) };
    const { invitation } = await deps.auth.change(method.createInvitation, message);
    return reply.code(201).send(showInvitation(present(invitation)));
  });
}

function listRoute(app: App, { auth }: AdministrationDeps): void {
  const schema = {
    ...{ operationId: 'listInvitations', summary: 'List invitations', tags, headers: ifNoneMatchHeader },
    description: 'The newest first.',
    querystring: listInvitationsQuery,
    response: paging('InvitationPage'),
  };
  app.get(path, { schema, config: reading }, async (request, reply) => {
    const { limit: pageSize = 0, cursor: pageToken = '', open: onlyOpen = false } = request.query;
    const question = { principal: principalOf(request), pageSize, pageToken, onlyOpen };
    const { invitations, nextPageToken } = await auth.read(method.listInvitations, question);
    return sendPage(request, reply, invitations.map(showInvitation), nextPageToken);
  });
}

function revokeRoute(app: App, deps: AdministrationDeps): void {
  const schema = {
    ...{ operationId: 'revokeInvitation', summary: 'Revoke an invitation', tags, headers: keyedHeaders },
    params: invitationParams,
    response: ending('It opens nothing any more.'),
  };
  app.delete(`${path}/:id`, { schema, config: administering }, async (request, reply) => {
    const message = { id: request.params.id, context: contextOf(deps, request) };
    await deps.auth.change(method.revokeInvitation, message);
    return reply.code(204).send();
  });
}

function acceptRoute(app: App, { auth, commandTimeoutMs }: AdministrationDeps): void {
  const schema = {
    ...{ operationId: 'acceptInvitation', summary: 'Accept an invitation', tags: ['Sign-in'], security: [] },
    description: 'Makes the user, whose e-mail address counts as verified. A token works once.',
    body: acceptInvitationBody,
    response: {
      201: tagged('User', 'The user, who can sign in now.'),
      ...problems(400, 409, 413, 415, 422, 429, 500, 503, 504),
    } as unknown,
  };
  app.post('/v1/auth/accept-invitation', { schema, config: { open: true } }, async (request, reply) => {
    const { token, name = '', password } = request.body;
    const context = openContext(request, new Date(Date.now() + commandTimeoutMs));
    const { user } = await auth.change(method.acceptInvitation, { token, name, password, context });
    return sendVersioned(request, reply.code(201), showUser(present(user)));
  });
}
