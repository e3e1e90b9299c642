import { randomUUID } from 'node:crypto';
import type { Sql } from '@berth/database';
import type { BanStore } from '../../../app/users/ban-store.ts';
import { type StoredUser, toUser, userColumns } from './user-rows.ts';

/** Bans in auth's schema. */
export const banRows = (sql: Sql): BanStore => ({
  async begin({ userId, at, by, until, reason }) {
    await sql.execute(
      `INSERT INTO bans (id, user_id, banned_at, banned_by_id, banned_by, until, reason) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [randomUUID(), userId, at, by.id, by.name, until, reason],
    );
  },

  async end(userId, { at, by, ending, reason }) {
    await sql.execute(
      `UPDATE bans SET ended_at = $2, ended_by_id = $3, ended_by = $4, ending = $5, lift_reason = $6
       WHERE user_id = $1 AND ended_at IS NULL`,
      [userId, at, by.id, by.name, ending, reason],
    );
  },

  // The users' rows are the lock, as for everybody who bans: whoever changes a user meanwhile sees the ban's end, or this sees theirs.
  async liftRunOut(limit) {
    const due = await sql.query<{ id: string }>(
      `SELECT id FROM users WHERE banned_until <= clock_timestamp() ORDER BY banned_until LIMIT $1 FOR UPDATE SKIP LOCKED`,
      [limit],
    );
    if (due.length === 0) return [];
    const ids = due.map(({ id }) => id);
    await sql.execute(
      `UPDATE bans SET ended_at = coalesce(until, clock_timestamp()), ending = 'ran_out' WHERE user_id = ANY($1) AND ended_at IS NULL`,
      [ids],
    );
    await sql.execute(
      `UPDATE users SET banned_until = NULL, ban_reason = NULL, version = version + 1, updated_at = clock_timestamp()
       WHERE id = ANY($1)`,
      [ids],
    );
    const rows = await sql.query<StoredUser>(`SELECT ${userColumns} FROM users u WHERE u.id = ANY($1)`, [ids]);
    return rows.map(toUser);
  },
});
