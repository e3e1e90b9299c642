import { type Static, Type } from 'typebox';
import { mapOf, nullable, strict } from '../json-types.ts';

const address = Type.String({ minLength: 1, maxLength: 1_000 });

const fields = {
  display_name: Type.String({ minLength: 1, maxLength: 100, description: 'For a sign-in page. Default: the name.' }),
  preset: Type.Enum(['google', 'github', 'facebook', 'x', 'custom'], {
    description: 'Brings addresses, scopes and how the profile is read. `custom`: any other. Cannot be changed.',
  }),
  issuer: nullable(
    Type.String({ maxLength: 1_000, description: 'Of an OpenID provider (`custom`). Cannot be changed.' }),
  ),
  endpoints: nullable(
    Type.Object(
      {
        authorization: address,
        token: address,
        userinfo: address,
        emails: Type.Optional(nullable(Type.String({ maxLength: 1_000, description: 'Of `github` alone.' }))),
      },
      {
        ...strict,
        description: 'Of a plain OAuth 2 provider, or of an own server of one that is preset. Cannot be changed.',
      },
    ),
  ),
  client_id: Type.String({ minLength: 1, maxLength: 1_000, description: 'As the provider knows Berth.' }),
  scopes: Type.Array(Type.String({ maxLength: 100 }), { maxItems: 50, description: 'Default: as the preset says.' }),
  redirect_uris: Type.Array(Type.String({ maxLength: 1_000 }), {
    minItems: 1,
    maxItems: 50,
    description: 'Where a browser may be sent back to, compared letter by letter. No two providers share one.',
  }),
  enabled: Type.Boolean({ description: 'It can be used.' }),
};

const newUsers = Type.Boolean({ description: 'Who is not known yet gets an account. Default: no.' });
const emailDomains = Type.Array(Type.String({ maxLength: 253 }), {
  maxItems: 50,
  description: 'New users need a verified e-mail address in one of these. Empty: in any, or none at all.',
});

const groupsOf = (description: string) =>
  nullable(
    Type.Object(
      {
        claim: Type.String({ minLength: 1, maxLength: 200, description: 'The claim whose values name groups.' }),
        map: mapOf(Type.String({ maxLength: 200 }), { description: 'Value of the claim → group.' }),
      },
      { ...strict, description },
    ),
  );
const groups = groupsOf(
  'Applied at each sign-in: users are in those of the mapped groups that the claim names, and in no other of them.',
);
const clientSecret = nullable(
  Type.String({ maxLength: 1_000, description: 'Stored encrypted and never shown. Null: a public client.' }),
);

const bodyFields = {
  display_name: Type.Optional(fields.display_name),
  client_secret: Type.Optional(clientSecret),
  scopes: Type.Optional(fields.scopes),
  registration: Type.Optional(
    Type.Object(
      { new_users: Type.Optional(newUsers), email_domains: Type.Optional(emailDomains) },
      { ...strict, description: 'Who may come.' },
    ),
  ),
  groups: Type.Optional(groups),
  enabled: Type.Optional(fields.enabled),
};

export const createIdentityProviderBody = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 40, description: 'Lower-case letters, digits and hyphens.' }),
    preset: Type.Optional(fields.preset),
    issuer: Type.Optional(fields.issuer),
    endpoints: Type.Optional(fields.endpoints),
    client_id: fields.client_id,
    redirect_uris: fields.redirect_uris,
    ...bodyFields,
  },
  {
    ...strict,
    examples: [
      {
        name: 'google',
        preset: 'google',
        client_id: '1234-abcd.apps.googleusercontent.com',
        client_secret: 'GOCSPX-…',
        redirect_uris: ['https://berth.example/signed-in/google'],
        registration: { new_users: true, email_domains: ['example.com'] },
      },
      {
        name: 'corp',
        issuer: 'https://login.example.com',
        client_id: 'berth',
        client_secret: null,
        redirect_uris: ['https://berth.example/signed-in/corp'],
        groups: { claim: 'groups', map: { 'berth-operators': 'operator' } },
      },
    ],
  },
);

export const updateIdentityProviderBody = Type.Object(
  {
    client_id: Type.Optional(fields.client_id),
    redirect_uris: Type.Optional(fields.redirect_uris),
    ...bodyFields,
  },
  {
    ...strict,
    minProperties: 1,
    description: 'What is not given stays.',
    examples: [{ registration: { new_users: false } }, { enabled: false }],
  },
);

export const identityProviderParams = Type.Object({ name: Type.String({ description: 'The provider’s name.' }) });

const example = {
  name: 'google',
  display_name: 'Google',
  preset: 'google',
  issuer: 'https://accounts.google.com',
  endpoints: null,
  client_id: '1234-abcd.apps.googleusercontent.com',
  client_secret_set: true,
  scopes: ['openid', 'email', 'profile'],
  registration: { new_users: true, email_domains: ['example.com'] },
  groups: null,
  redirect_uris: ['https://berth.example/signed-in/google'],
  enabled: true,
  version: 1,
  created_at: '2026-01-01T12:00:00.000Z',
  updated_at: '2026-01-01T12:00:00.000Z',
};

export const identityProviderDocument = Type.Object(
  {
    name: Type.String(),
    ...fields,
    client_secret_set: Type.Boolean({ description: 'A client secret is kept. It is never shown.' }),
    registration: Type.Object({ new_users: newUsers, email_domains: emailDomains }),
    groups,
    version: Type.Integer(),
    created_at: Type.String({ format: 'date-time' }),
    updated_at: Type.String({ format: 'date-time' }),
  },
  { $id: 'IdentityProvider', description: 'An identity provider without its client secret.', examples: [example] },
);
export type IdentityProviderDocument = Static<typeof identityProviderDocument>;

export const identityProviderList = Type.Object(
  { items: Type.Array(Type.Unsafe<IdentityProviderDocument>({ $ref: 'IdentityProvider#' })) },
  { $id: 'IdentityProviderList', description: 'All providers, by name.', examples: [{ items: [example] }] },
);
