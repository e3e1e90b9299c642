import type { Sql } from '@berth/database';
import type { Session } from '../../../domain/sessions/session.ts';
import { toSession } from './session-rows.ts';

const mostListed = 500;
/** Ended sessions are kept for so long, because they tell which devices a user signed in with before. */
const keptDays = 90;

/** The sessions of a user that go on, the newest first. */
export async function sessionsOf(sql: Sql, userId: string): Promise<readonly Session[]> {
  const rows = await sql.query<Parameters<typeof toSession>[0]>(
    `SELECT s.* FROM sessions s JOIN users u ON u.id = s.user_id AND u.session_version = s.session_version
     WHERE s.user_id = $1 AND s.ended_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > clock_timestamp())
     ORDER BY s.created_at DESC, s.id LIMIT ${mostListed}`,
    [userId],
  );
  return rows.map(toSession);
}

/** When the last access token of each of these users ends; absent: they have none. */
export async function lastTokenEnds(sql: Sql, userIds: readonly string[]): Promise<ReadonlyMap<string, Date>> {
  if (userIds.length === 0) return new Map();
  const rows = await sql.query<{ user_id: string; until: string }>(
    'SELECT user_id, max(access_tokens_until) AS until FROM sessions WHERE user_id = ANY($1) GROUP BY user_id',
    [userIds],
  );
  return new Map(rows.map((row) => [row.user_id, new Date(row.until)]));
}

/** Drops what nobody need know any more: old sessions, used refresh tokens past their end, keys and failures past their time. */
export async function dropOldSessions(sql: Sql): Promise<void> {
  await sql.execute(
    `DELETE FROM sessions WHERE access_tokens_until < now() AND coalesce(ended_at, expires_at) < now() - interval '${keptDays} days'`,
  );
  await sql.execute('DELETE FROM refresh_tokens WHERE used_at IS NOT NULL AND expires_at < now()');
  await sql.execute('DELETE FROM signing_keys WHERE verifies_until < now()');
  await sql.execute('DELETE FROM sign_in_failures WHERE window_ends_at < now()');
}
