import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import type { ProviderEndpoints, ProviderPreset } from '../../../domain/identities/identity-provider.ts';
import { moment, texts, version } from '../column-types.ts';

/** Where a provider may send browsers back to; an address belongs to one provider. */
export const RedirectUriEntity = defineEntity({
  name: 'RedirectUri',
  tableName: 'identity_redirect_uris',
  indexes: [{ name: 'identity_redirect_uris_of_provider', properties: ['provider'] }],
  properties: {
    uri: p.text().primary(),
    provider: () =>
      p
        .manyToOne(IdentityProviderEntity)
        .fieldName('provider')
        .foreignKeyName('identity_redirect_uris_provider_fkey')
        .deleteRule('cascade'),
    place: p.integer(),
  },
});

/** How identity providers lie in their tables. */
export const IdentityProviderEntity = defineEntity({
  name: 'IdentityProvider',
  tableName: 'identity_providers',
  checks: [
    { name: 'identity_providers_origin', expression: '(issuer IS NULL) <> (endpoints IS NULL)' },
    { name: 'identity_providers_secret', expression: '(sealed_secret IS NULL) = (master_key_id IS NULL)' },
  ],
  properties: {
    name: p.text().primary().check("name ~ '^[a-z][a-z0-9-]{0,39}$'"),
    displayName: p.text(),
    preset: p.text().$type<ProviderPreset>().check("preset IN ('google', 'github', 'facebook', 'x', 'custom')"),
    issuer: p.text().nullable(),
    endpoints: p.json<ProviderEndpoints>().nullable(),
    clientId: p.text(),
    sealedSecret: p.blob().$type<Buffer>().nullable(),
    masterKeyId: p.text().nullable(),
    scopes: texts(),
    newUsers: p.boolean(),
    emailDomains: texts(),
    groupClaim: p.text().nullable(),
    claimGroups: p.json<Readonly<Record<string, string>>>(),
    redirectUris: () => p.oneToMany(RedirectUriEntity).mappedBy('provider').orderBy({ place: 'asc' }).orphanRemoval(),
    enabled: p.boolean(),
    version: version(),
    createdAt: moment().defaultRaw('clock_timestamp()'),
    updatedAt: moment().defaultRaw('clock_timestamp()'),
  },
});

export type StoredProvider = InferEntity<typeof IdentityProviderEntity>;
