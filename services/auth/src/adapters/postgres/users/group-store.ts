import { brokenConstraint, type EntityManager, type Sql } from '@berth/database';
import { LockMode, raw } from '@mikro-orm/core';
import type { GroupStore } from '../../../app/users/group-store.ts';
import { groupNameTaken } from '../../../domain/users/administration-errors.ts';
import type { Group } from '../../../domain/users/group.ts';
import { clockOf } from '../clock.ts';
import { FormerGroupEntity, GroupEntity, type StoredGroup } from './group-entity.ts';
import { type StoredUser, toUser, userColumns } from './user-rows.ts';

export const toGroup = (stored: StoredGroup): Group => ({
  name: stored.name,
  description: stored.description,
  permissions: stored.permissions,
  everywhere: stored.everywhere,
  builtIn: stored.builtIn,
  accessTokenSeconds: stored.accessTokenSeconds ?? null,
  refreshTokenSeconds: stored.refreshTokenSeconds ?? null,
  limits: stored.limits,
  version: stored.version,
  createdAt: stored.createdAt,
  updatedAt: stored.updatedAt,
});

/** Those of the groups that are there, in the order asked for. */
export async function groupsNamed(entities: EntityManager, names: readonly string[]): Promise<readonly Group[]> {
  const found = await entities.find(GroupEntity, { name: { $in: [...names] } });
  const groups = new Map(found.map((stored) => [stored.name, toGroup(stored)]));
  return names.flatMap((name) => groups.get(name) ?? []);
}

/** Groups in auth's schema. Who is a member is a matter of rows. */
export const groupStore = (entities: EntityManager, sql: Sql): GroupStore => ({
  async byName(name) {
    // What this transaction read of it before it had the lock may be old.
    const options = { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true } as const;
    const stored = await entities.findOne(GroupEntity, { name }, options);
    return stored === null ? undefined : toGroup(stored);
  },

  async kept(name) {
    await sql.query('SELECT 1 FROM groups WHERE name = $1 FOR KEY SHARE', [name]);
    const stored = await entities.findOne(GroupEntity, { name }, { refresh: true });
    return stored === null ? undefined : toGroup(stored);
  },

  byNames: (names) => groupsNamed(entities, names),

  async add(group) {
    const stored = entities.create(GroupEntity, group);
    try {
      await entities.flush();
    } catch (error) {
      throw brokenConstraint(error) === 'groups_pkey' ? groupNameTaken(group.name) : error;
    }
    return toGroup(stored);
  },

  async save({ name, description, permissions, everywhere, accessTokenSeconds, refreshTokenSeconds, limits }) {
    const stored = await entities.findOneOrFail(GroupEntity, { name }); // known already, since it was locked
    Object.assign(stored, { description, permissions, everywhere, accessTokenSeconds, refreshTokenSeconds, limits });
    stored.updatedAt = await clockOf(sql);
    await entities.flush();
    return toGroup(stored);
  },

  async remove(name) {
    entities.remove(await entities.findOneOrFail(GroupEntity, { name }));
    await entities.flush();
    await entities.upsert(FormerGroupEntity, { name, removedAt: raw<Date>('now()') });
  },

  wasThere: async (name) => (await entities.count(FormerGroupEntity, { name })) > 0,

  async hasMembers(name) {
    const [row] = await sql.query<{ exists: boolean }>(
      'SELECT EXISTS (SELECT 1 FROM memberships WHERE group_name = $1)',
      [name],
    );
    return row?.exists === true;
  },

  async dismissMembers(name) {
    const members = await sql.query<{ id: string }>(
      `SELECT u.id FROM users u WHERE u.id IN (SELECT user_id FROM memberships WHERE group_name = $1) ORDER BY u.id FOR UPDATE`,
      [name],
    );
    if (members.length === 0) return [];
    const ids = members.map(({ id }) => id);
    await sql.execute('DELETE FROM memberships WHERE group_name = $1', [name]);
    await sql.execute(
      `UPDATE users u SET permissions_version = permissions_version + 1, version = version + 1, updated_at = clock_timestamp(),
         home_group = CASE WHEN home_group = $2
           THEN (SELECT m.group_name FROM memberships m WHERE m.user_id = u.id ORDER BY m.added_at, m.group_name LIMIT 1)
           ELSE home_group END
       WHERE id = ANY($1)`,
      [ids, name],
    );
    const rows = await sql.query<StoredUser>(`SELECT ${userColumns} FROM users u WHERE u.id = ANY($1)`, [ids]);
    return rows.map(toUser);
  },
});
