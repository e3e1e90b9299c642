import type { Sql } from '@berth/database';
import type { KeyChanges } from '../../../app/keys/api-key-store.ts';
import { ApiKey } from '../../../domain/keys/api-key.ts';
import { isUuid } from '../../../domain/uuid.ts';
import { dateOf } from '../columns.ts';

/** A row of `api_keys`. */
export interface StoredKey {
  readonly id: string;
  readonly prefix: string;
  readonly name: string;
  readonly description: string;
  readonly permission: ApiKey['permission'];
  readonly permissions: string[];
  readonly group_name: string | null;
  readonly allowed_networks: string[];
  readonly owner_id: string | null;
  readonly origin: ApiKey['origin'];
  readonly secret_hash: Buffer;
  readonly previous_hash: Buffer | null;
  readonly previous_expires_at: string | null;
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly ended_at: string | null;
  readonly ended: ApiKey['ended'];
  readonly last_used_at: string | null;
}

export function toKey(row: StoredKey): ApiKey {
  const key = new ApiKey({
    ...{ id: row.id, prefix: row.prefix, name: row.name, description: row.description, permission: row.permission },
    ...{ permissions: row.permissions, group: row.group_name, allowedNetworks: row.allowed_networks },
    ...{ ownerId: row.owner_id, origin: row.origin, secretHash: row.secret_hash },
    ...{ createdAt: new Date(row.created_at), expiresAt: dateOf(row.expires_at) ?? undefined },
  });
  key.previousHash = row.previous_hash;
  key.previousExpiresAt = dateOf(row.previous_expires_at);
  key.endedAt = dateOf(row.ended_at);
  key.ended = row.ended;
  key.lastUsedAt = dateOf(row.last_used_at);
  return key;
}

/** API keys in auth's schema, within a transaction. */
export function apiKeyRows(sql: Sql): KeyChanges {
  const find = async (condition: string, values: readonly unknown[]): Promise<ApiKey[]> =>
    (
      await sql.query<StoredKey>(`SELECT * FROM api_keys WHERE ${condition} ORDER BY created_at, id FOR UPDATE`, values)
    ).map(toKey);
  return {
    byId: async (id) => (isUuid(id) ? (await find('id = $1', [id]))[0] : undefined),
    async ownerOf(id) {
      if (!isUuid(id)) return undefined;
      const [row] = await sql.query<{ owner: string | null }>('SELECT owner_id AS owner FROM api_keys WHERE id = $1', [
        id,
      ]);
      return row?.owner ?? undefined;
    },

    byHash: async (hash) => (await find('secret_hash = $1 OR previous_hash = $1', [hash]))[0],
    fromSettings: () => find("origin = 'settings'", []),
    admins: () => find("permission = 'admin' AND owner_id IS NULL AND ended_at IS NULL", []),

    async countOf(ownerId) {
      const [row] = await sql.query<{ count: string }>(
        'SELECT count(*) FROM api_keys WHERE owner_id = $1 AND ended_at IS NULL',
        [ownerId],
      );
      return Number(row?.count ?? 0);
    },

    async add(key) {
      await sql.execute(
        `INSERT INTO api_keys (id, prefix, name, description, permission, permissions, group_name, allowed_networks, owner_id, origin,
           secret_hash, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
        [
          ...[key.id, key.prefix, key.name, key.description, key.permission, key.permissions, key.group],
          ...[key.allowedNetworks, key.ownerId, key.origin, key.secretHash, key.createdAt, key.expiresAt],
        ],
      );
    },

    async save(key) {
      await sql.execute(
        `UPDATE api_keys SET prefix = $2, name = $3, description = $4, permission = $5, permissions = $6, group_name = $7,
           allowed_networks = $8, secret_hash = $9, previous_hash = $10, previous_expires_at = $11, expires_at = $12, ended_at = $13,
           ended = $14
         WHERE id = $1`,
        [
          ...[key.id, key.prefix, key.name, key.description, key.permission, key.permissions, key.group],
          ...[key.allowedNetworks, key.secretHash, key.previousHash, key.previousExpiresAt, key.expiresAt, key.endedAt],
          key.ended,
        ],
      );
    },
  };
}
