import { IdentityService } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { isUuid } from '../../../domain/vms/vm-name.ts';
import type { AdministrationDeps } from '../administration.ts';
import { commandContext, principalOf } from '../answer-command.ts';
import type { AnyRequest, App } from '../app-types.ts';
import { keyedHeaders } from '../command-docs.ts';
import { responses } from '../problem-schemas.ts';
import { identityParams, providerParams, signInAnswerBody, startSignInBody } from './identity-schemas.ts';
import { showIdentity } from './show-identity.ts';
import { attemptSeconds } from './sign-in-providers.ts';

const { method } = IdentityService;
const path = '/v1/account/identities';
const config = { user: true } as const;
const tags = ['Account'];

/** One's own identities at providers: listed, linked and taken off. */
export function accountIdentityRoutes(app: App, deps: AdministrationDeps): void {
  listRoute(app, deps);
  linkRoutes(app, deps);
  unlinkRoute(app, deps);
}

function listRoute(app: App, { auth }: AdministrationDeps): void {
  const schema = {
    operationId: 'listIdentities',
    summary: 'List one’s identities',
    tags,
    response: responses({ 200: { $ref: 'IdentityList#' } }),
  };
  app.get(path, { schema, config }, async (request, reply) => {
    const { identities } = await auth.read(method.listIdentities, { principal: principalOf(request) });
    return reply.send({ items: identities.map(showIdentity) });
  });
}

function linkRoutes(app: App, deps: AdministrationDeps): void {
  const start = {
    operationId: 'startLink',
    summary: 'Begin to link an identity',
    tags,
    headers: keyedHeaders,
    params: providerParams,
    body: startSignInBody,
    response: responses({ 200: { $ref: 'StartedSignIn#' } }, 400, 404, 409, 413, 415, 422, 504),
  };
  app.post(`${path}/:provider/start`, { schema: start, config }, async (request, reply) => {
    const { provider } = request.params;
    const question = { context: contextOf(deps, request), provider, redirectUri: request.body.redirect_uri };
    const { authorizationUrl, attempt } = await deps.auth.change(method.startLink, question);
    if (attempt === '') reply.header('Idempotency-Replayed', 'true');
    return reply.send({ authorization_url: authorizationUrl, attempt, expires_in: attemptSeconds });
  });

  const finish = {
    operationId: 'finishLink',
    summary: 'Link an identity with a provider’s answer',
    tags,
    headers: keyedHeaders,
    params: providerParams,
    body: signInAnswerBody,
    response: responses({ 200: { $ref: 'Identity#' } }, 400, 404, 409, 413, 415, 422, 504),
  };
  app.post(`${path}/:provider/callback`, { schema: finish, config }, async (request, reply) => {
    const { provider } = request.params;
    const question = { context: contextOf(deps, request), provider, answer: request.body };
    const { identity } = await deps.auth.change(method.finishLink, question);
    return reply.send(showIdentity(identity));
  });
}

function unlinkRoute(app: App, deps: AdministrationDeps): void {
  const schema = {
    operationId: 'unlinkIdentity',
    summary: 'Take an identity off',
    description: 'Not the last way to sign in. Groups that its provider maps go with it.',
    tags,
    headers: keyedHeaders,
    params: identityParams,
    response: responses({ 204: { description: 'It is off.', type: 'null' } }, 404, 409, 422, 504),
  };
  app.delete(`${path}/:id`, { schema, config }, async (request, reply) => {
    const { id } = request.params;
    if (!isUuid(id)) throw new DomainError('not_found', 'IDENTITY_NOT_FOUND', 'There is no such identity.');
    await deps.auth.change(method.unlinkIdentity, { context: contextOf(deps, request), id: id.toLowerCase() });
    return reply.code(204).send();
  });
}

const contextOf = ({ commandTimeoutMs }: AdministrationDeps, request: AnyRequest) =>
  commandContext(request, new Date(Date.now() + commandTimeoutMs));
