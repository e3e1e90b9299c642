import { brokenConstraint, type Sql } from '@berth/database';
import type { Sealed, Vault } from '@berth/vault';
import type { IdentityProviderStore } from '../../../app/identities/identity-stores.ts';
import { providerExists, redirectTaken } from '../../../domain/identities/identity-errors.ts';
import type {
  IdentityProvider,
  ProviderEndpoints,
  ProviderPreset,
  ProviderTerms,
} from '../../../domain/identities/identity-provider.ts';

/** A row of `providerColumns`. */
export interface ProviderRow {
  readonly name: string;
  readonly display_name: string;
  readonly preset: ProviderPreset;
  readonly issuer: string | null;
  readonly endpoints: ProviderEndpoints | null;
  readonly client_id: string;
  readonly sealed_secret: Buffer | null;
  readonly master_key_id: string | null;
  readonly scopes: string[];
  readonly new_users: boolean;
  readonly email_domains: string[];
  readonly group_claim: string | null;
  readonly claim_groups: Record<string, string>;
  readonly redirect_uris: string[];
  readonly enabled: boolean;
  readonly version: string;
  readonly created_at: string;
  readonly updated_at: string;
}

/** Columns of `identity_providers` as `p`, with the redirect URIs. */
export const providerColumns =
  'p.*, ARRAY(SELECT r.uri FROM identity_redirect_uris r WHERE r.provider = p.name ORDER BY r.place) AS redirect_uris';

export const toProvider = (row: ProviderRow): IdentityProvider => ({
  name: row.name,
  displayName: row.display_name,
  preset: row.preset,
  issuer: row.issuer,
  endpoints: row.endpoints,
  clientId: row.client_id,
  hasClientSecret: row.sealed_secret !== null,
  scopes: row.scopes,
  newUsers: row.new_users,
  emailDomains: row.email_domains,
  groupClaim: row.group_claim,
  claimGroups: row.claim_groups,
  redirectUris: row.redirect_uris,
  enabled: row.enabled,
  version: Number(row.version),
  createdAt: new Date(row.created_at),
  updatedAt: new Date(row.updated_at),
});

const boundTo = (name: string) => ['identity_providers', name];

/** The client secret of a row; undefined: it has none. */
export const clientSecretOf = (vault: Vault, row: ProviderRow): string | undefined =>
  row.sealed_secret === null || row.master_key_id === null
    ? undefined
    : vault.open({ bytes: row.sealed_secret, masterKeyId: row.master_key_id }, boundTo(row.name));

/** Identity providers in auth's schema. */
export function identityProviderRows(sql: Sql, vault: Vault): IdentityProviderStore {
  const find = async (name: string, lock: 'SHARE' | 'UPDATE') => {
    const [row] = await sql.query<ProviderRow>(
      `SELECT ${providerColumns} FROM identity_providers p WHERE p.name = $1 FOR ${lock} OF p`,
      [name],
    );
    return row && toProvider(row);
  };
  const found = async (name: string): Promise<IdentityProvider> => {
    const provider = await find(name, 'UPDATE');
    if (provider === undefined) throw new Error('a provider is gone in the transaction that wrote it');
    return provider;
  };
  const sealed = (name: string, secret: string): Sealed | undefined =>
    secret === '' ? undefined : vault.seal(secret, boundTo(name));
  return {
    inUse: (name) => find(name, 'SHARE'),
    forChange: (name) => find(name, 'UPDATE'),

    async add(name, terms, clientSecret) {
      const secret = sealed(name, clientSecret);
      await unlessTaken(() =>
        sql.execute(
          `INSERT INTO identity_providers (name, display_name, client_id, scopes, new_users, email_domains, group_claim, claim_groups,
             enabled, preset, issuer, endpoints, sealed_secret, master_key_id)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
          [
            ...[name, ...changeable(terms), terms.preset, terms.issuer],
            ...[terms.endpoints && JSON.stringify(terms.endpoints), secret?.bytes ?? null, secret?.masterKeyId ?? null],
          ],
        ),
      );
      await writeRedirects(sql, name, terms.redirectUris);
      return found(name);
    },

    async change(name, terms, clientSecret) {
      const secret = clientSecret === undefined ? undefined : sealed(name, clientSecret);
      await sql.execute(
        `UPDATE identity_providers SET display_name = $2, client_id = $3, scopes = $4, new_users = $5, email_domains = $6,
           group_claim = $7, claim_groups = $8, enabled = $9, version = version + 1, updated_at = clock_timestamp(),
           sealed_secret = CASE WHEN $10 THEN $11 ELSE sealed_secret END,
           master_key_id = CASE WHEN $10 THEN $12 ELSE master_key_id END
         WHERE name = $1`,
        [name, ...changeable(terms), clientSecret !== undefined, secret?.bytes ?? null, secret?.masterKeyId ?? null],
      );
      await sql.execute('DELETE FROM identity_redirect_uris WHERE provider = $1', [name]);
      await writeRedirects(sql, name, terms.redirectUris);
      return found(name);
    },

    async remove(name) {
      await sql.execute('DELETE FROM identity_providers WHERE name = $1', [name]);
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

const changeable = (terms: ProviderTerms) => [
  ...[terms.displayName, terms.clientId, terms.scopes, terms.newUsers, terms.emailDomains, terms.groupClaim],
  ...[JSON.stringify(terms.claimGroups), terms.enabled],
];

const writeRedirects = (sql: Sql, name: string, uris: readonly string[]) =>
  unlessTaken(() =>
    sql.execute(
      `INSERT INTO identity_redirect_uris (uri, provider, place)
       SELECT uri, $1, place FROM unnest($2::text[]) WITH ORDINALITY AS given (uri, place)`,
      [name, uris],
    ),
  );

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
