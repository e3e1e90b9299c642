import type {
  IdentityProviderSchema,
  IdentityProviderTerms,
  IdentitySchema,
  UpdateIdentityProviderRequest,
} from '@berth/contracts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ProviderChanges } from '../../../app/identities/change-identity-provider.ts';
import type { Identity } from '../../../domain/identities/identity.ts';
import {
  type IdentityProvider,
  type ProviderEndpoints,
  type ProviderPreset,
  type ProviderTerms,
  presetTerms,
  providerPresets,
} from '../../../domain/identities/identity-provider.ts';
import { invalidProvider } from '../../../domain/identities/provider-terms.ts';

/** The terms of a new provider, with what the preset knows. */
export function newTermsOf(name: string, terms: IdentityProviderTerms | undefined): ProviderTerms {
  const preset = presetOf(terms?.preset || 'custom');
  const known = presetTerms[preset];
  const endpoints = endpointsOf(terms) ?? known.endpoints;
  if (terms?.issuer && preset !== 'custom') {
    throw invalidProvider([{ field: 'issuer', message: 'can be given for custom alone' }]);
  }
  return {
    displayName: terms?.displayName || name,
    preset,
    issuer: terms?.issuer || known.issuer,
    endpoints,
    clientId: terms?.clientId ?? '',
    scopes: terms?.scopes.length ? terms.scopes : endpoints === null ? known.scopes : plainScopes(preset),
    newUsers: terms?.newUsers ?? false,
    emailDomains: terms?.emailDomains ?? [],
    groupClaim: terms?.groupClaim || null,
    claimGroups: claimGroupsOf(terms),
    redirectUris: terms?.redirectUris ?? [],
    enabled: terms?.enabled ?? true,
  };
}

/** A plain OAuth 2 service knows no `openid`. */
const plainScopes = (preset: ProviderPreset): readonly string[] =>
  preset === 'custom' ? [] : presetTerms[preset].scopes;

/** The changes that the mask names. What says whose word a provider's identities are is fixed. */
export function changesOf({ terms, updateMask }: UpdateIdentityProviderRequest): ProviderChanges {
  const read: Readonly<Record<string, () => ProviderChanges>> = {
    display_name: () => ({ displayName: terms?.displayName ?? '' }),
    client_id: () => ({ clientId: terms?.clientId ?? '' }),
    client_secret: () => ({ clientSecret: terms?.clientSecret ?? '' }),
    scopes: () => ({ scopes: terms?.scopes ?? [] }),
    new_users: () => ({ newUsers: terms?.newUsers ?? false }),
    email_domains: () => ({ emailDomains: terms?.emailDomains ?? [] }),
    group_claim: () => ({ groupClaim: terms?.groupClaim || null }),
    claim_groups: () => ({ claimGroups: claimGroupsOf(terms) }),
    redirect_uris: () => ({ redirectUris: terms?.redirectUris ?? [] }),
    enabled: () => ({ enabled: terms?.enabled ?? false }),
  };
  const changes = (updateMask?.paths ?? []).map((path) => {
    const change = Object.hasOwn(read, path) ? read[path] : undefined;
    if (change === undefined) throw invalidProvider([{ field: path, message: 'cannot be changed' }]);
    return change();
  });
  return Object.assign({}, ...changes);
}

const presetOf = (text: string): ProviderPreset => {
  const preset = providerPresets.find((one) => one === text);
  if (preset === undefined) throw invalidProvider([{ field: 'preset', message: `is none of ${providerPresets}` }]);
  return preset;
};

function endpointsOf(terms: IdentityProviderTerms | undefined): ProviderEndpoints | null {
  const { endpoints } = terms ?? {};
  if (endpoints === undefined) return null;
  const { authorization, token, userinfo, emails } = endpoints;
  return { authorization, token, userinfo, emails: emails || null };
}

const claimGroupsOf = (terms: IdentityProviderTerms | undefined): Record<string, string> =>
  Object.fromEntries((terms?.claimGroups ?? []).map(({ value, group }) => [value, group]));

/** A provider without its secret. */
export const providerMessage = (provider: IdentityProvider): MessageInitShape<typeof IdentityProviderSchema> => ({
  name: provider.name,
  terms: {
    displayName: provider.displayName,
    preset: provider.preset,
    issuer: provider.issuer ?? '',
    ...(provider.endpoints && {
      endpoints: { ...provider.endpoints, emails: provider.endpoints.emails ?? '' },
    }),
    clientId: provider.clientId,
    scopes: [...provider.scopes],
    newUsers: provider.newUsers,
    emailDomains: [...provider.emailDomains],
    groupClaim: provider.groupClaim ?? '',
    claimGroups: Object.entries(provider.claimGroups).map(([value, group]) => ({ value, group })),
    redirectUris: [...provider.redirectUris],
    enabled: provider.enabled,
  },
  hasClientSecret: provider.hasClientSecret,
  version: BigInt(provider.version),
  createdAt: timestampFromDate(provider.createdAt),
  updatedAt: timestampFromDate(provider.updatedAt),
});

/** One's identity. */
export const identityMessage = (
  identity: Identity & { readonly providerDisplayName: string },
): MessageInitShape<typeof IdentitySchema> => ({
  id: identity.id,
  provider: identity.provider,
  providerDisplayName: identity.providerDisplayName,
  label: identity.label,
  createdAt: timestampFromDate(identity.createdAt),
  ...(identity.lastUsedAt && { lastUsedAt: timestampFromDate(identity.lastUsedAt) }),
});
