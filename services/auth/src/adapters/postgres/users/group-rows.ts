import { brokenConstraint, type Sql } from '@berth/database';
import type { GroupStore, NewGroup } from '../../../app/users/group-store.ts';
import type { Limit } from '../../../domain/limits/limit.ts';
import { groupNameTaken } from '../../../domain/users/administration-errors.ts';
import type { Group } from '../../../domain/users/group.ts';
import { numberOf } from '../columns.ts';
import { type StoredUser, toUser, userColumns } from './user-rows.ts';

/** A row of `groups`. */
export interface GroupRow {
  readonly name: string;
  readonly description: string;
  readonly permissions: string[];
  readonly everywhere: boolean;
  readonly built_in: boolean;
  readonly access_token_seconds: string | null;
  readonly refresh_token_seconds: string | null;
  readonly limits: Limit[];
  readonly version: string;
  readonly created_at: string;
  readonly updated_at: string;
}

export const toGroup = (row: GroupRow): Group => ({
  name: row.name,
  description: row.description,
  permissions: row.permissions,
  everywhere: row.everywhere,
  builtIn: row.built_in,
  accessTokenSeconds: numberOf(row.access_token_seconds),
  refreshTokenSeconds: numberOf(row.refresh_token_seconds),
  limits: row.limits,
  version: Number(row.version),
  createdAt: new Date(row.created_at),
  updatedAt: new Date(row.updated_at),
});

/** Groups in auth's schema. */
export const groupRows = (sql: Sql): GroupStore => ({
  async byName(name) {
    const [row] = await sql.query<GroupRow>('SELECT * FROM groups WHERE name = $1 FOR UPDATE', [name]);
    return row && toGroup(row);
  },

  async byNames(names) {
    const rows = await sql.query<GroupRow>('SELECT * FROM groups WHERE name = ANY($1)', [names]);
    const groups = new Map(rows.map((row) => [row.name, toGroup(row)]));
    return names.flatMap((name) => groups.get(name) ?? []);
  },

  async add(group) {
    try {
      return await written(
        sql,
        `INSERT INTO groups (name, description, permissions, everywhere, access_token_seconds, refresh_token_seconds, limits)
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING *`,
        group,
      );
    } catch (error) {
      throw brokenConstraint(error) === 'groups_pkey' ? groupNameTaken(group.name) : error;
    }
  },

  save: (group) =>
    written(
      sql,
      `UPDATE groups SET description = $2, permissions = $3, everywhere = $4, access_token_seconds = $5, refresh_token_seconds = $6,
         limits = $7, version = version + 1, updated_at = clock_timestamp()
       WHERE name = $1 RETURNING *`,
      group,
    ),

  async remove(name) {
    await sql.execute('DELETE FROM groups WHERE name = $1', [name]);
    await sql.execute(
      'INSERT INTO former_groups (name) VALUES ($1) ON CONFLICT (name) DO UPDATE SET removed_at = excluded.removed_at',
      [name],
    );
  },

  wasThere: (name) => exists(sql, 'SELECT EXISTS (SELECT 1 FROM former_groups WHERE name = $1)', name),

  hasMembers: (name) => exists(sql, 'SELECT EXISTS (SELECT 1 FROM memberships WHERE group_name = $1)', name),

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

async function written(sql: Sql, statement: string, group: NewGroup): Promise<Group> {
  const [row] = await sql.query<GroupRow>(statement, [
    ...[group.name, group.description, group.permissions, group.everywhere],
    ...[group.accessTokenSeconds, group.refreshTokenSeconds, JSON.stringify(group.limits)],
  ]);
  if (row === undefined) throw new Error('a locked group is gone');
  return toGroup(row);
}

async function exists(sql: Sql, question: string, name: string): Promise<boolean> {
  const [row] = await sql.query<{ exists: boolean }>(question, [name]);
  return row?.exists === true;
}
