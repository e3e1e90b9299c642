import { brokenConstraint, type EntityManager, type Sql } from '@berth/database';
import type { Vault } from '@berth/vault';
import { LockMode } from '@mikro-orm/core';
import type { IdentityProviderStore } from '../../../app/identities/identity-stores.ts';
import { providerExists, redirectTaken } from '../../../domain/identities/identity-errors.ts';
import type { IdentityProvider, ProviderTerms } from '../../../domain/identities/identity-provider.ts';
import { clockOf } from '../clock.ts';
import type { SealedTable } from '../secrets/sealed-table.ts';
import { IdentityProviderEntity, RedirectUriEntity, type StoredProvider } from './identity-provider-entity.ts';

export const toProvider = (stored: StoredProvider): IdentityProvider => ({
  name: stored.name,
  displayName: stored.displayName,
  preset: stored.preset,
  issuer: stored.issuer ?? null,
  endpoints: stored.endpoints ?? null,
  clientId: stored.clientId,
  hasClientSecret: (stored.sealedSecret ?? null) !== null,
  scopes: stored.scopes,
  newUsers: stored.newUsers,
  emailDomains: stored.emailDomains,
  groupClaim: stored.groupClaim ?? null,
  claimGroups: stored.claimGroups,
  redirectUris: [...stored.redirectUris].sort((a, b) => a.place - b.place).map(({ uri }) => uri),
  enabled: stored.enabled,
  version: stored.version,
  createdAt: stored.createdAt,
  updatedAt: stored.updatedAt,
});

const boundTo = (name: string) => ['identity_providers', name];

/** The client secrets of providers. */
export const sealedClientSecrets: SealedTable = {
  ...{ table: 'identity_providers', id: { column: 'name', type: 'text' }, sealed: 'sealed_secret' },
  boundTo,
};

/** The client secret of a provider; undefined: it has none. */
export const clientSecretOf = (
  vault: Vault,
  { name, sealedSecret, masterKeyId }: StoredProvider,
): string | undefined =>
  sealedSecret && masterKeyId ? vault.open({ bytes: sealedSecret, masterKeyId }, boundTo(name)) : undefined;

/** Identity providers in auth's schema. */
export function identityProviderStore(entities: EntityManager, sql: Sql, vault: Vault): IdentityProviderStore {
  const locked = async (name: string, lockMode: LockMode): Promise<IdentityProvider | undefined> => {
    // The lock is the provider's row, and its addresses are read by a statement of their own afterwards: one that waited for the lock would
    // see them as they were before it waited.
    const stored = await entities.findOne(
      IdentityProviderEntity,
      { name },
      { lockMode, refresh: true, populate: ['redirectUris'], strategy: 'select-in' },
    );
    return stored === null ? undefined : toProvider(stored);
  };
  const sealed = (name: string, secret: string) => {
    if (secret === '') return { sealedSecret: null, masterKeyId: null };
    const { bytes, masterKeyId } = vault.seal(secret, boundTo(name));
    return { sealedSecret: bytes, masterKeyId };
  };
  return {
    inUse: (name) => locked(name, LockMode.PESSIMISTIC_READ),
    forChange: (name) => locked(name, LockMode.PESSIMISTIC_WRITE),

    async add(name, { redirectUris, ...terms }, clientSecret) {
      const stored = entities.create(IdentityProviderEntity, {
        ...{ name, ...changeable(terms), ...sealed(name, clientSecret) },
        ...{ preset: terms.preset, issuer: terms.issuer, endpoints: terms.endpoints },
      });
      placeRedirects(entities, stored, redirectUris);
      await unlessTaken(() => entities.flush());
      return toProvider(stored);
    },

    async change(name, { redirectUris, ...terms }, clientSecret) {
      const stored = await entities.findOneOrFail(IdentityProviderEntity, { name }); // known already, since it was locked
      Object.assign(stored, changeable(terms), clientSecret !== undefined && sealed(name, clientSecret));
      stored.updatedAt = await clockOf(sql);
      placeRedirects(entities, stored, redirectUris);
      await unlessTaken(() => entities.flush());
      return toProvider(stored);
    },

    async remove(name) {
      await entities.nativeDelete(IdentityProviderEntity, { name });
    },

    async usersWithNothingElse(name) {
      const [row] = await sql.query<{ count: string }>(
        `SELECT count(DISTINCT u.id) FROM identities i JOIN users u ON u.id = i.user_id
         WHERE i.provider = $1 AND u.password_hash IS NULL AND NOT EXISTS (
           SELECT FROM identities o JOIN identity_providers p ON p.name = o.provider AND p.enabled
           WHERE o.user_id = u.id AND o.provider <> $1)`,
        [name],
      );
      return Number(row?.count ?? 0);
    },
  };
}

/** The terms that a change may change, as columns. */
const changeable = (terms: Omit<ProviderTerms, 'redirectUris'>) => ({
  ...{ displayName: terms.displayName, clientId: terms.clientId, scopes: terms.scopes, newUsers: terms.newUsers },
  ...{ emailDomains: terms.emailDomains, groupClaim: terms.groupClaim, claimGroups: terms.claimGroups },
  enabled: terms.enabled,
});

/** Makes these the provider's addresses, in this order. */
function placeRedirects(entities: EntityManager, provider: StoredProvider, uris: readonly string[]): void {
  const known = new Map(provider.redirectUris.getItems().map((redirect) => [redirect.uri, redirect]));
  let place = 0;
  for (const uri of uris) {
    const redirect = known.get(uri);
    place = redirect && redirect.place > place ? redirect.place : place + 1; // gaps are fine: who can stay in place does
    if (redirect) redirect.place = place;
    else provider.redirectUris.add(entities.create(RedirectUriEntity, { uri, provider, place }));
  }
  provider.redirectUris.remove((redirect) => !uris.includes(redirect.uri));
}

const taken: Readonly<Record<string, () => Error>> = {
  identity_providers_pkey: providerExists,
  identity_redirect_uris_taken: redirectTaken,
};

/** The constraint has the last word on who has a name or an address. */
async function unlessTaken<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    throw taken[brokenConstraint(error) ?? '']?.() ?? error;
  }
}
