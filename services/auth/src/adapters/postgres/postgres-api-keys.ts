import type { Database, Sql } from '@berth/database';
import type { EntityData, EntityManager } from '@mikro-orm/postgresql';
import type { ApiKeyStore, KeyChanges, PagePosition } from '../../app/api-key-store.ts';
import { ApiKey, viewOf } from '../../domain/api-key.ts';
import { clockOf } from './clock.ts';
import { claim, dropOldAnswers, remember, viewOfStored } from './idempotency.ts';

const withSecret = (hash: Buffer) => ({ $or: [{ secretHash: hash }, { previousHash: hash }] });

/** Anything else is no key's id, and Postgres would not take it for one. */
const idShape = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const changesIn = async (entities: EntityManager, sql: Sql): Promise<KeyChanges> => ({
  now: await clockOf(sql),
  currentTime: () => clockOf(sql),
  async alone() {
    await sql.query("SELECT pg_advisory_xact_lock(hashtextextended('api-keys:' || current_schema(), 0))");
  },
  byId: async (id) => (idShape.test(id) ? ((await entities.findOne(ApiKey, { id })) ?? undefined) : undefined),
  byHash: async (hash) => (await entities.findOne(ApiKey, withSecret(hash))) ?? undefined,
  fromSettings: () => entities.find(ApiKey, { origin: 'settings' }),
  admins: () => entities.find(ApiKey, { permission: 'admin', endedAt: null }),
  add: (key) => void entities.persist(key),
  async claim(idempotency) {
    const earlier = await claim(sql, idempotency);
    return earlier && { fingerprint: earlier.fingerprint, key: viewOfStored(earlier.answer) };
  },
  remember: (idempotency, key) => remember(sql, idempotency, key),
});

/** The keys in auth's schema. */
export const postgresApiKeys = (database: Database): ApiKeyStore => ({
  change: (work) => database.entityTransaction(async (entities, sql) => work(await changesIn(entities, sql))),

  // One statement, for it is the one on every request's way.
  async byHash(hash) {
    const [row] = await database.query<EntityData<ApiKey> & { now: string }>(
      'SELECT *, clock_timestamp()::timestamptz(3) AS now FROM api_keys WHERE secret_hash = $1 OR previous_hash = $1',
      [hash],
    );
    if (row === undefined) return undefined;
    const { now, ...columns } = row;
    return { key: database.unitOfWork().map(ApiKey, columns), now: new Date(now) };
  },

  async byId(id) {
    if (!idShape.test(id)) return undefined;
    const key = await database.read((entities) => entities.findOne(ApiKey, { id, endedAt: null }));
    return key === null ? undefined : viewOf(key, new Date());
  },

  async page(after: PagePosition | undefined, limit) {
    const keys = await database.read((entities) =>
      entities.find(
        ApiKey,
        {
          endedAt: null,
          ...(after && {
            $or: [{ createdAt: { $gt: after.createdAt } }, { createdAt: after.createdAt, id: { $gt: after.id } }],
          }),
        },
        { orderBy: [{ createdAt: 'asc' }, { id: 'asc' }], limit },
      ),
    );
    return keys.map((key) => viewOf(key, new Date()));
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
