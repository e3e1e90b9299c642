import { createHash } from 'node:crypto';
import type { Database, Sql } from '@berth/database';
import type { Vault } from '@berth/vault';
import type { AttemptSecrets, IdentityReader, IdentityStore } from '../../../app/identities/identity-stores.ts';
import type { Identity } from '../../../domain/identities/identity.ts';
import type { SealedTable } from '../secrets/sealed-table.ts';
import { IdentityProviderEntity } from './identity-provider-entity.ts';
import { clientSecretOf, toProvider } from './identity-provider-store.ts';

interface IdentityRow {
  readonly id: string;
  readonly provider: string;
  readonly subject: string;
  readonly user_id: string;
  readonly label: string;
  readonly created_at: string;
  readonly last_used_at: string | null;
}

const toIdentity = (row: IdentityRow): Identity => ({
  id: row.id,
  provider: row.provider,
  subject: row.subject,
  userId: row.user_id,
  label: row.label,
  createdAt: new Date(row.created_at),
  lastUsedAt: row.last_used_at === null ? null : new Date(row.last_used_at),
});

interface AttemptRow {
  readonly provider: string;
  readonly user_id: string | null;
  readonly redirect_uri: string;
  readonly sealed_secrets: Buffer;
  readonly master_key_id: string;
  readonly expires_at: string;
}

/** An attempt's secret has 256 random bits, so its hash alone is kept. */
const hashOf = (secret: string): Buffer => createHash('sha256').update(secret).digest();

const boundTo = (id: string) => ['identity_attempts', id];

/** What sign-ins that wait for their provider's answer are checked with. */
export const sealedAttempts: SealedTable = {
  ...{ table: 'identity_attempts', id: { column: 'id', type: 'bytea' }, sealed: 'sealed_secrets' },
  boundTo,
};

/** Identities and attempts in auth's schema. */
export const identityRows = (sql: Sql, vault: Vault): IdentityStore => ({
  async bySubject(provider, subject) {
    const [row] = await sql.query<IdentityRow>('SELECT * FROM identities WHERE provider = $1 AND subject = $2', [
      ...[provider, subject],
    ]);
    return row && toIdentity(row);
  },

  async ofUser(userId) {
    const rows = await sql.query<IdentityRow>('SELECT * FROM identities WHERE user_id = $1 ORDER BY created_at, id', [
      userId,
    ]);
    return rows.map(toIdentity);
  },

  async add({ provider, subject, userId, label }) {
    const [row] = await sql.query<IdentityRow>(
      'INSERT INTO identities (provider, subject, user_id, label) VALUES ($1, $2, $3, $4) RETURNING *',
      [provider, subject, userId, label],
    );
    if (row === undefined) throw new Error('an identity was not written');
    return toIdentity(row);
  },

  async used(id, label, at) {
    await sql.execute('UPDATE identities SET last_used_at = $3, label = $2 WHERE id = $1', [id, label, at]);
  },

  async remove(id) {
    await sql.execute('DELETE FROM identities WHERE id = $1', [id]);
  },

  async otherWays(userId, id) {
    const [row] = await sql.query<{ count: string }>(
      `SELECT count(*) FROM identities i JOIN identity_providers p ON p.name = i.provider AND p.enabled
       WHERE i.user_id = $1 AND i.id <> $2`,
      [userId, id],
    );
    return Number(row?.count ?? 0);
  },

  async freeName(candidates) {
    const [row] = await sql.query<{ name: string }>(
      `SELECT name FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, place)
       WHERE NOT EXISTS (SELECT FROM users u WHERE lower(u.name) = lower(wanted.name)) ORDER BY place LIMIT 1`,
      [candidates],
    );
    return row?.name;
  },

  async addAttempt(secret, { provider, userId, redirectUri, expiresAt, secrets }) {
    const id = hashOf(secret);
    const { bytes, masterKeyId } = vault.seal(JSON.stringify(secrets), boundTo(id.toString('hex')));
    await sql.execute(
      `INSERT INTO identity_attempts (id, provider, user_id, redirect_uri, sealed_secrets, master_key_id, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [id, provider, userId, redirectUri, bytes, masterKeyId, expiresAt],
    );
  },

  async takeAttempt(secret) {
    const id = hashOf(secret);
    const [row] = await sql.query<AttemptRow>('DELETE FROM identity_attempts WHERE id = $1 RETURNING *', [id]);
    if (row === undefined) return undefined;
    const sealed = { bytes: row.sealed_secrets, masterKeyId: row.master_key_id };
    return {
      provider: row.provider,
      userId: row.user_id,
      redirectUri: row.redirect_uri,
      expiresAt: new Date(row.expires_at),
      secrets: JSON.parse(vault.open(sealed, boundTo(id.toString('hex')))) as AttemptSecrets, // written by `addAttempt` alone
    };
  },
});

/** Reads outside of transactions. */
export const identityReader = (database: Database, vault: Vault): IdentityReader => ({
  async provider(name) {
    const stored = await database.read((entities) =>
      entities.findOne(IdentityProviderEntity, { name }, { populate: ['redirectUris'], strategy: 'joined' }),
    );
    return stored === null ? undefined : { provider: toProvider(stored), clientSecret: clientSecretOf(vault, stored) };
  },

  async providers() {
    const all = await database.read((entities) =>
      entities.findAll(IdentityProviderEntity, {
        ...{ populate: ['redirectUris'], strategy: 'joined', orderBy: { name: 'asc' } },
      }),
    );
    return all.map(toProvider);
  },

  async identitiesOf(userId) {
    const rows = await database.query<IdentityRow & { display_name: string }>(
      `SELECT i.*, p.display_name FROM identities i JOIN identity_providers p ON p.name = i.provider
       WHERE i.user_id = $1 ORDER BY i.created_at, i.id`,
      [userId],
    );
    return rows.map((row) => ({ ...toIdentity(row), providerDisplayName: row.display_name }));
  },
});

/** Drops attempts that nobody came back with. */
export async function dropOldAttempts(database: Database): Promise<void> {
  await database.execute('DELETE FROM identity_attempts WHERE expires_at < now()');
}
