import { brokenConstraint, type Sql } from '@berth/database';
import { DomainError } from '@berth/errors';
import type { UserStore } from '../../../app/users/user-store.ts';
import type { Limit } from '../../../domain/limits/limit.ts';
import type { User } from '../../../domain/users/user.ts';
import { dateOf, numberOf } from '../columns.ts';

interface UserRow {
  readonly id: string;
  readonly name: string;
  readonly email: string | null;
  readonly email_verified_at: string | null;
  readonly password_hash: string | null;
  readonly profile: Record<string, string>;
  readonly public_fields: string[];
  readonly home_group: string | null;
  readonly groups: string[];
  readonly access_token_seconds: string | null;
  readonly refresh_token_seconds: string | null;
  readonly limits: Limit[];
  readonly session_version: number;
  readonly permissions_version: number;
  readonly banned_until: string | null;
  readonly ban_reason: string | null;
  readonly version: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly last_sign_in_at: string | null;
}

/** Columns of `users` as `u`, with the groups' names. */
export const userColumns = `u.*, ARRAY(SELECT m.group_name FROM memberships m WHERE m.user_id = u.id ORDER BY m.added_at, m.group_name) AS groups`;

/** A row of `userColumns`. */
export type StoredUser = UserRow;

export const toUser = (row: UserRow): User => ({
  id: row.id,
  name: row.name,
  email: row.email,
  emailVerifiedAt: dateOf(row.email_verified_at),
  passwordHash: row.password_hash,
  profile: row.profile,
  publicFields: row.public_fields,
  groups: [...new Set([...(row.home_group === null ? [] : [row.home_group]), ...row.groups])],
  accessTokenSeconds: numberOf(row.access_token_seconds),
  refreshTokenSeconds: numberOf(row.refresh_token_seconds),
  limits: row.limits,
  sessionVersion: row.session_version,
  permissionsVersion: row.permissions_version,
  bannedUntil: dateOf(row.banned_until),
  banReason: row.ban_reason,
  version: Number(row.version),
  createdAt: new Date(row.created_at),
  updatedAt: new Date(row.updated_at),
  lastSignInAt: dateOf(row.last_sign_in_at),
});

/** Users in auth's schema. */
export function userRows(sql: Sql): UserStore {
  /**
   * Locks first and reads afterwards: a statement that waited for the lock sees the user's row as it is by then, but the memberships as they
   * were before it waited, so a group that was just taken away would come back.
   */
  const find = async (condition: string, value: string): Promise<User | undefined> => {
    const [locked] = await sql.query<{ id: string }>(`SELECT u.id FROM users u WHERE ${condition} FOR UPDATE OF u`, [
      value,
    ]);
    return locked && read(locked.id);
  };
  const read = async (id: string): Promise<User | undefined> => {
    const [row] = await sql.query<UserRow>(`SELECT ${userColumns} FROM users u WHERE u.id = $1`, [id]);
    return row && toUser(row);
  };
  /** One that this transaction has written. */
  const found = async (id: string): Promise<User> => {
    const user = await read(id);
    if (user === undefined) throw new DomainError('not_found', 'USER_NOT_FOUND', 'There is no such user.');
    return user;
  };
  return {
    byId: (id) => find('u.id = $1', id),
    byName: (name) => find('lower(u.name) = lower($1)', name),
    byEmail: (email) => find('lower(u.email) = lower($1)', email),

    async holderOf(email) {
      const [row] = await sql.query<Pick<User, 'id' | 'name'>>(
        'SELECT id, name FROM users WHERE lower(email) = lower($1)',
        [email],
      );
      return row;
    },

    async add(user) {
      await holdWords(sql);
      const [row] = await unlessTaken(() =>
        sql.query<{ id: string }>(
          `INSERT INTO users (name, email, email_verified_at, password_hash, profile, public_fields, home_group)
           VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`,
          [
            ...[user.name, user.email, user.emailVerifiedAt, user.passwordHash],
            ...[JSON.stringify(user.profile ?? {}), user.publicFields ?? [], user.groups[0] ?? null],
          ],
        ),
      );
      const id = row?.id ?? '';
      await join(sql, id, user.groups);
      return found(id);
    },

    async save(user) {
      await unlessTaken(() =>
        sql.execute(
          `UPDATE users SET name = $2, email = $3, email_verified_at = $4, password_hash = $5, profile = $6, public_fields = $7,
             home_group = $8, access_token_seconds = $9, refresh_token_seconds = $10, limits = $11, session_version = $12,
             permissions_version = $13, banned_until = $14, ban_reason = $15, last_sign_in_at = $16, version = version + 1,
             updated_at = clock_timestamp()
           WHERE id = $1`,
          [
            ...[user.id, user.name, user.email, user.emailVerifiedAt, user.passwordHash, JSON.stringify(user.profile)],
            ...[user.publicFields, user.groups[0] ?? null, user.accessTokenSeconds, user.refreshTokenSeconds],
            ...[JSON.stringify(user.limits), user.sessionVersion, user.permissionsVersion, user.bannedUntil],
            ...[user.banReason, user.lastSignInAt],
          ],
        ),
      );
      await keepMemberships(sql, user);
      return found(user.id);
    },

    async remove(id) {
      await sql.execute('DELETE FROM users WHERE id = $1', [id]);
    },

    async otherAdmins(id) {
      const [row] = await sql.query<{ count: string }>(
        `SELECT count(*) FROM users u JOIN memberships m ON m.user_id = u.id AND m.group_name = 'admin'
         WHERE u.id <> $1 AND (u.banned_until IS NULL OR u.banned_until <= clock_timestamp())`,
        [id],
      );
      return Number(row?.count ?? 0);
    },
  };
}

/** As AuthTransaction's `alone('names')` and `alongside('groups')`, in one statement. */
async function holdWords(sql: Sql): Promise<void> {
  await sql.query(`SELECT pg_advisory_xact_lock(hashtextextended('names:' || current_schema(), 0)),
    pg_advisory_xact_lock_shared(hashtextextended('groups:' || current_schema(), 0))`);
}

/**
 * Memberships as `groups` says. Those that stay are not touched: asking whether their groups are there would lock them, the user first and the
 * group second, where those who change a group's members do it the other way round.
 */
async function keepMemberships(sql: Sql, { id, groups }: User): Promise<void> {
  const present = await sql.query<{ name: string }>('SELECT group_name AS name FROM memberships WHERE user_id = $1', [
    id,
  ]);
  const names = new Set(present.map(({ name }) => name));
  const left = [...names].filter((name) => !groups.includes(name));
  if (left.length > 0) {
    await sql.execute('DELETE FROM memberships WHERE user_id = $1 AND group_name = ANY($2)', [id, left]);
  }
  const joined = groups.filter((name) => !names.has(name));
  await join(sql, id, joined);
}

/** Makes the user a member; of groups that it is in already it stays one. Throws `not_found` GROUP_NOT_FOUND. */
async function join(sql: Sql, id: string, groups: readonly string[]): Promise<void> {
  if (groups.length === 0) return;
  const known = await sql.query<{ name: string }>('SELECT name FROM groups WHERE name = ANY($1) FOR KEY SHARE', [
    groups,
  ]);
  const missing = groups.find((name) => !known.some((group) => group.name === name));
  if (missing !== undefined) throw new DomainError('not_found', 'GROUP_NOT_FOUND', `There is no group ${missing}.`);
  await sql.execute(
    'INSERT INTO memberships (user_id, group_name) SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING',
    [id, groups],
  );
}

const taken: Readonly<Record<string, DomainError>> = {
  users_name: new DomainError('conflict', 'USER_NAME_TAKEN', 'Another user has this name.'),
  users_email: new DomainError('conflict', 'USER_EMAIL_TAKEN', 'Another user has this e-mail address.'),
  // Removed since it was looked up.
  users_home_group_fkey: new DomainError('not_found', 'GROUP_NOT_FOUND', 'There is no such group.'),
};

/** The constraint has the last word on who has a name or an address. */
async function unlessTaken<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    throw taken[brokenConstraint(error) ?? ''] ?? error;
  }
}
