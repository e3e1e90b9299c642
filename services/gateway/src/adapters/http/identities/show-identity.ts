import type { Identity, IdentityProvider } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { showTime } from '../show-time.ts';
import type { IdentityProviderDocument } from './identity-provider-schemas.ts';
import type { IdentityDocument } from './identity-schemas.ts';

/** A provider without its secret. */
export function showIdentityProvider(provider: IdentityProvider | undefined): IdentityProviderDocument {
  const { terms } = provider ?? {};
  if (provider === undefined || terms === undefined) throw absent('provider');
  const { endpoints, groupClaim } = terms;
  return {
    name: provider.name,
    display_name: terms.displayName,
    preset: terms.preset as IdentityProviderDocument['preset'], // auth's names of presets are those of the API
    issuer: terms.issuer || null,
    endpoints: endpoints
      ? {
          ...{ authorization: endpoints.authorization, token: endpoints.token, userinfo: endpoints.userinfo },
          emails: endpoints.emails || null,
        }
      : null,
    client_id: terms.clientId,
    client_secret_set: provider.hasClientSecret,
    scopes: terms.scopes,
    registration: { new_users: terms.newUsers, email_domains: terms.emailDomains },
    groups:
      groupClaim === ''
        ? null
        : { claim: groupClaim, map: Object.fromEntries(terms.claimGroups.map(({ value, group }) => [value, group])) },
    redirect_uris: terms.redirectUris,
    enabled: terms.enabled,
    version: Number(provider.version),
    created_at: showTime(provider.createdAt),
    updated_at: showTime(provider.updatedAt),
  };
}

export function showIdentity(identity: Identity | undefined): IdentityDocument {
  if (identity === undefined) throw absent('identity');
  return {
    id: identity.id,
    provider: identity.provider,
    provider_display_name: identity.providerDisplayName,
    label: identity.label,
    created_at: showTime(identity.createdAt),
    last_used_at: identity.lastUsedAt ? showTime(identity.lastUsedAt) : null,
  };
}

const absent = (what: string) => new DomainError('bug', 'INTERNAL', `An answer came without its ${what}.`);
