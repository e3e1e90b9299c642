import type { Sql } from '@berth/database';
import type { EndedSession, SessionStore, StoredRefreshToken } from '../../../app/sessions/session-store.ts';
import type { Session } from '../../../domain/sessions/session.ts';

interface SessionRow {
  readonly id: string;
  readonly user_id: string;
  readonly session_version: number;
  readonly device: string;
  readonly client_address: string;
  readonly created_at: string;
  readonly last_seen_at: string;
  readonly expires_at: string | null;
  readonly access_tokens_until: string;
  readonly ended_at: string | null;
}

interface TokenRow {
  readonly hash: Buffer;
  readonly session_id: string;
  readonly user_id: string;
  readonly expires_at: string | null;
  readonly used_by: string | null;
}

const dateOf = (text: string | null): Date | undefined => (text === null ? undefined : new Date(text));

export const toSession = (row: SessionRow): Session => ({
  id: row.id,
  userId: row.user_id,
  sessionVersion: row.session_version,
  device: row.device,
  clientAddress: row.client_address,
  createdAt: new Date(row.created_at),
  lastSeenAt: new Date(row.last_seen_at),
  expiresAt: dateOf(row.expires_at),
  accessTokensUntil: new Date(row.access_tokens_until),
  endedAt: dateOf(row.ended_at),
});

/** Sessions in auth's schema. */
export function sessionRows(sql: Sql): SessionStore {
  const findToken = async (condition: string, hash: Buffer): Promise<StoredRefreshToken | undefined> => {
    const [row] = await sql.query<TokenRow>(
      `SELECT t.hash, t.session_id, t.expires_at, t.used_by, s.user_id
       FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id WHERE ${condition}`,
      [hash],
    );
    return row && toToken(row);
  };
  return {
    async add(session, refreshTokenHash) {
      await sql.execute(
        `INSERT INTO sessions (id, user_id, session_version, device, client_address, created_at, last_seen_at, expires_at, access_tokens_until)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
        [
          ...[session.id, session.userId, session.sessionVersion, session.device, session.clientAddress],
          ...[session.createdAt, session.lastSeenAt, session.expiresAt ?? null, session.accessTokensUntil],
        ],
      );
      await addToken(sql, session, refreshTokenHash, null);
      await sql.execute('UPDATE users SET last_sign_in_at = $2 WHERE id = $1', [session.userId, session.createdAt]);
    },

    async byId(id) {
      const [row] = await sql.query<SessionRow>('SELECT * FROM sessions WHERE id = $1 FOR UPDATE', [id]);
      return row && toSession(row);
    },

    refreshToken: (hash) => findToken('t.hash = $1', hash),
    successorOf: (hash) => findToken('t.replaces = $1', hash),

    async forgetToken(hash) {
      await sql.execute('DELETE FROM refresh_tokens WHERE hash = $1', [hash]);
    },

    async replaceToken({ hash, by }, next, session) {
      await sql.execute(
        'UPDATE refresh_tokens SET used_at = coalesce(used_at, clock_timestamp()), used_by = $2 WHERE hash = $1',
        [hash, by],
      );
      await addToken(sql, session, next, hash);
      await sql.execute(
        'UPDATE sessions SET client_address = $2, last_seen_at = $3, expires_at = $4, access_tokens_until = $5 WHERE id = $1',
        [session.id, session.clientAddress, session.lastSeenAt, session.expiresAt ?? null, session.accessTokensUntil],
      );
    },

    async end(userId, which, why) {
      const [condition, id] = 'id' in which ? ['id = $2', which.id] : ['id <> $2', which.allBut];
      const rows = await sql.query<{ id: string; access_tokens_until: string }>(
        `UPDATE sessions SET ended_at = clock_timestamp(), end_reason = $3
         WHERE id IN (SELECT id FROM sessions WHERE user_id = $1 AND ended_at IS NULL AND ${condition} ORDER BY id FOR UPDATE)
         RETURNING id, access_tokens_until`,
        [userId, id, why],
      );
      return rows.map((row): EndedSession => ({ id: row.id, accessTokensUntil: new Date(row.access_tokens_until) }));
    },

    async familiarity(userId, { device, clientAddress }) {
      const [row] = await sql.query<{ any: boolean; same: boolean }>(
        // Not counted: a program that signs in again and again has many thousands, and one of them tells.
        `SELECT EXISTS (SELECT FROM sessions WHERE user_id = $1) AS any,
           EXISTS (SELECT FROM sessions WHERE user_id = $1 AND device = $2 AND client_address = $3) AS same`,
        [userId, device, clientAddress],
      );
      return row ?? { any: false, same: false };
    },

    async lastAccessTokenEnd() {
      const [row] = await sql.query<{ until: string | null }>('SELECT max(access_tokens_until) AS until FROM sessions');
      return dateOf(row?.until ?? null);
    },
  };
}

const toToken = (row: TokenRow): StoredRefreshToken => ({
  hash: row.hash,
  sessionId: row.session_id,
  userId: row.user_id,
  expiresAt: dateOf(row.expires_at),
  usedBy: row.used_by ?? undefined,
});

const addToken = (sql: Sql, session: Session, hash: Buffer, replaces: Buffer | null): Promise<number> =>
  sql.execute('INSERT INTO refresh_tokens (hash, session_id, replaces, expires_at) VALUES ($1, $2, $3, $4)', [
    ...[hash, session.id, replaces, session.expiresAt ?? null],
  ]);
