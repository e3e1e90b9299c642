import { type GroupPolicy, grantsOf } from '@berth/contracts';
import type { Database } from '@berth/database';
import type { ApiKeyStore } from '../../../app/keys/api-key-store.ts';
import { viewOf } from '../../../domain/keys/api-key.ts';
import { isUuid } from '../../../domain/uuid.ts';
import { dropOldAnswers } from '../idempotency.ts';
import { type StoredKey, toKey } from './api-key-rows.ts';

type FoundRow = StoredKey & {
  readonly now: string;
  readonly owner_stands: boolean;
  readonly owner_groups: GroupPolicy[] | null;
};

/** The keys in auth's schema, for reading. */
export const postgresApiKeys = (database: Database): ApiKeyStore => ({
  // One statement, for it is the one on every request's way.
  async byHash(hash) {
    const [row] = await database.query<FoundRow>(
      `SELECT k.*, clock_timestamp()::timestamptz(3) AS now,
         coalesce(u.id IS NOT NULL AND (u.banned_until IS NULL OR u.banned_until <= clock_timestamp()), false) AS owner_stands,
         (SELECT json_agg(json_build_object('name', g.name, 'permissions', g.permissions, 'everywhere', g.everywhere)
                   ORDER BY (g.name = u.home_group) DESC NULLS LAST, m.added_at, m.group_name)
          FROM memberships m JOIN groups g ON g.name = m.group_name WHERE m.user_id = u.id) AS owner_groups
       FROM api_keys k LEFT JOIN users u ON u.id = k.owner_id
       WHERE k.secret_hash = $1 OR k.previous_hash = $1`,
      [hash],
    );
    if (row === undefined) return undefined;
    const groups = row.owner_groups ?? [];
    const owner = { rights: grantsOf(groups), groups: groups.map(({ name }) => name) };
    return { key: toKey(row), owner: row.owner_stands ? owner : undefined, now: new Date(row.now) };
  },

  async byId(id, { ownerId }) {
    if (!isUuid(id)) return undefined;
    const [row] = await database.query<StoredKey>(
      'SELECT * FROM api_keys WHERE id = $1 AND ended_at IS NULL AND ($2::text IS NULL OR owner_id = $2)',
      [id, ownerId ?? null],
    );
    return row && viewOf(toKey(row), new Date());
  },

  async page(after, limit, { ownerId }) {
    const rows = await database.query<StoredKey>(
      `SELECT * FROM api_keys
       WHERE ended_at IS NULL AND ($1::text IS NULL OR owner_id = $1)
         AND ($2::timestamptz IS NULL OR (created_at, id) > ($2, $3::uuid))
       ORDER BY created_at, id LIMIT $4`,
      [ownerId ?? null, after?.createdAt ?? null, after?.id ?? null, limit],
    );
    return rows.map((row) => viewOf(toKey(row), new Date()));
  },

  async noteUses(uses) {
    await database.execute(
      `UPDATE api_keys k SET last_used_at = date_trunc('minute', u.at)
       FROM unnest($1::uuid[], $2::timestamptz[]) AS u (id, at)
       WHERE k.id = u.id AND (k.last_used_at IS NULL OR k.last_used_at < date_trunc('minute', u.at))
         AND k.id IN (SELECT id FROM api_keys WHERE id = ANY($1) FOR UPDATE SKIP LOCKED)`, // a row in use by others is noted by them
      [[...uses.keys()], [...uses.values()]],
    );
  },

  tidy: () => dropOldAnswers(database),
});
