import { type IdentityProviderTermsSchema, IdentityService } from '@berth/contracts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Static } from 'typebox';
import { type AdministrationDeps, contextOf, sendVersioned } from '../administration.ts';
import { principalOf } from '../answer-command.ts';
import type { App } from '../app-types.ts';
import { ifNoneMatchHeader, keyedConditionalHeaders, keyedHeaders, taggedResponses } from '../command-docs.ts';
import { sendTagged } from '../entity-tag.ts';
import { responses } from '../problem-schemas.ts';
import {
  createIdentityProviderBody,
  identityProviderParams,
  updateIdentityProviderBody,
} from './identity-provider-schemas.ts';
import { showIdentityProvider } from './show-identity.ts';

const { method } = IdentityService;
const path = '/v1/admin/identity-providers';
const onePath = `${path}/:name`;
const config = { permission: 'identity-providers:admin' } as const;
const tags = ['Identity providers'];

const oneProvider = taggedResponses('IdentityProvider', 'The provider, as it is now.');

/** Identity providers, for admins: made, listed, looked at, changed and removed. */
export function identityProviderRoutes(app: App, deps: AdministrationDeps): void {
  readRoutes(app, deps);
  createRoute(app, deps);
  updateRoute(app, deps);
  deleteRoute(app, deps);
}

function readRoutes(app: App, { auth }: AdministrationDeps): void {
  const list = {
    operationId: 'listIdentityProviders',
    summary: 'List identity providers',
    tags,
    headers: ifNoneMatchHeader,
    response: responses(taggedResponses('IdentityProviderList', 'All providers.')),
  };
  app.get(path, { schema: list, config }, async (request, reply) => {
    const { providers } = await auth.read(method.listIdentityProviders, { principal: principalOf(request) });
    return sendTagged(request, reply, { items: providers.map(showIdentityProvider) });
  });

  const get = {
    operationId: 'getIdentityProvider',
    summary: 'Get an identity provider',
    tags,
    headers: ifNoneMatchHeader,
    params: identityProviderParams,
    response: responses(oneProvider, 404),
  };
  app.get(onePath, { schema: get, config }, async (request, reply) => {
    const question = { principal: principalOf(request), name: request.params.name };
    const { provider } = await auth.read(method.getIdentityProvider, question);
    return sendVersioned(request, reply, showIdentityProvider(provider));
  });
}

function createRoute(app: App, deps: AdministrationDeps): void {
  const { 200: answer } = oneProvider;
  const schema = {
    operationId: 'createIdentityProvider',
    summary: 'Add an identity provider',
    description: 'With a mapping of groups this needs the permission `groups:admin` too.',
    tags,
    headers: keyedHeaders,
    body: createIdentityProviderBody,
    response: responses({ 201: answer }, 400, 409, 413, 415, 422, 504),
  };
  app.post(path, { schema, config }, async (request, reply) => {
    const { name, preset, issuer, endpoints, ...body } = request.body;
    const terms = {
      ...termsOf({ enabled: true, ...body }),
      preset: preset ?? 'custom',
      issuer: issuer ?? '',
      ...(endpoints && { endpoints: { ...endpoints, emails: endpoints.emails ?? '' } }),
    };
    const context = contextOf(deps, request);
    const { provider } = await deps.auth.change(method.createIdentityProvider, { context, name, terms });
    reply.code(201).header('Location', `${path}/${encodeURIComponent(name)}`);
    return sendVersioned(request, reply, showIdentityProvider(provider));
  });
}

function updateRoute(app: App, deps: AdministrationDeps): void {
  const schema = {
    operationId: 'updateIdentityProvider',
    summary: 'Change an identity provider',
    description:
      'Of one with a mapping of groups, before or after, every change needs the permission `groups:admin` too.',
    tags,
    headers: keyedConditionalHeaders,
    params: identityProviderParams,
    body: updateIdentityProviderBody,
    response: responses(oneProvider, 400, 404, 409, 412, 413, 415, 422, 504),
  };
  app.patch(onePath, { schema, config }, async (request, reply) => {
    const message = {
      context: contextOf(deps, request),
      name: request.params.name,
      terms: termsOf(request.body),
      updateMask: { paths: pathsOf(request.body) },
    };
    const { provider } = await deps.auth.change(method.updateIdentityProvider, message);
    return sendVersioned(request, reply, showIdentityProvider(provider));
  });
}

function deleteRoute(app: App, deps: AdministrationDeps): void {
  const schema = {
    operationId: 'deleteIdentityProvider',
    summary: 'Remove an identity provider',
    description: 'With all identities there. Refused while somebody has no other way to sign in.',
    tags,
    headers: keyedConditionalHeaders,
    params: identityProviderParams,
    response: responses({ 204: { description: 'It is gone.', type: 'null' } }, 404, 409, 412, 422, 504),
  };
  app.delete(onePath, { schema, config }, async (request, reply) => {
    const context = contextOf(deps, request);
    await deps.auth.change(method.deleteIdentityProvider, { context, name: request.params.name });
    return reply.code(204).send();
  });
}

type Changes = Static<typeof updateIdentityProviderBody>;
type Terms = Exclude<MessageInitShape<typeof IdentityProviderTermsSchema>, { $typeName: string }>;

/** What a body says; auth judges it. */
function termsOf({ registration, groups, ...body }: Changes): Terms {
  return {
    displayName: body.display_name ?? '',
    clientId: body.client_id ?? '',
    clientSecret: body.client_secret ?? '',
    scopes: body.scopes ?? [],
    newUsers: registration?.new_users ?? false,
    emailDomains: registration?.email_domains ?? [],
    groupClaim: groups?.claim ?? '',
    claimGroups: Object.entries(groups?.map ?? {}).map(([value, group]) => ({ value, group })),
    redirectUris: body.redirect_uris ?? [],
    enabled: body.enabled ?? false,
  };
}

/** Which of them it gives. */
function pathsOf({ registration, groups, ...body }: Changes): string[] {
  return [
    ...Object.keys(body),
    ...Object.keys(registration ?? {}),
    ...(groups === undefined ? [] : ['group_claim', 'claim_groups']),
  ];
}
