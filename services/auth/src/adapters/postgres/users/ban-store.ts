import { randomUUID } from 'node:crypto';
import type { EntityManager, Sql } from '@berth/database';
import { LockMode } from '@mikro-orm/core';
import type { BanStore } from '../../../app/users/ban-store.ts';
import type { Ban } from '../../../domain/users/ban.ts';
import { BanEntity, type StoredBan } from './ban-entity.ts';
import { type StoredUser, toUser, userColumns } from './user-rows.ts';

export const toBan = (stored: StoredBan): Ban => ({
  id: stored.id,
  bannedAt: stored.bannedAt,
  bannedBy: stored.bannedBy,
  until: stored.until ?? null,
  reason: stored.reason,
  endedAt: stored.endedAt ?? null,
  endedBy: stored.endedBy,
  ending: stored.ending ?? null,
  liftReason: stored.liftReason,
});

/** Bans in auth's schema. */
export const banStore = (entities: EntityManager, sql: Sql): BanStore => ({
  async begin({ userId, at, by, until, reason }) {
    entities.create(BanEntity, {
      ...{ id: randomUUID(), userId, bannedAt: at, bannedById: by.id, bannedBy: by.name, until, reason },
    });
    await entities.flush();
  },

  async end(userId, { at, by, ending, reason }) {
    const standing = await entities.findOne(
      BanEntity,
      { userId, endedAt: null },
      { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true },
    );
    if (standing === null) return;
    standing.endedAt = at;
    standing.endedById = by.id;
    standing.endedBy = by.name;
    standing.ending = ending;
    standing.liftReason = reason;
    await entities.flush();
  },

  // The users' rows are the lock, as for everybody who bans: whoever changes a user meanwhile sees the ban's end, or this sees theirs.
  async liftRunOut(limit) {
    const due = await sql.query<StoredUser>(
      `SELECT ${userColumns} FROM users u WHERE banned_until <= clock_timestamp() ORDER BY banned_until LIMIT $1 FOR UPDATE OF u SKIP LOCKED`,
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
    const were = new Map(due.map((row) => [row.id, toUser(row)]));
    return rows.map(toUser).flatMap((after) => {
      const before = were.get(after.id);
      return before ? [{ before, after }] : [];
    });
  },
});
