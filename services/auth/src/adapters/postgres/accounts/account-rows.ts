import { randomUUID } from 'node:crypto';
import type { Sql } from '@berth/database';
import type {
  AccountStore,
  FormerPasswords,
  MailRequest,
  MailRequestStore,
  MailTokenStore,
  Registration,
  RegistrationStore,
} from '../../../app/accounts/account-store.ts';

/** What belongs to accounts, in auth's schema. */
export const accountRows = (sql: Sql): AccountStore => ({
  registrations: registrationRows(sql),
  mailTokens: mailTokenRows(sql),
  mailRequests: mailRequestRows(sql),
  formerPasswords: formerPasswordRows(sql),
});

/** Drops what is past its time. */
export async function dropOldAccountRows(sql: Sql): Promise<void> {
  await sql.execute('DELETE FROM pending_registrations WHERE expires_at <= now()');
  await sql.execute('DELETE FROM mail_tokens WHERE expires_at <= now()');
  await sql.execute("DELETE FROM mail_request_counts WHERE began_at <= now() - interval '1 hour'");
  // Whoever asked has given up, and asks again.
  await sql.execute("DELETE FROM mail_requests WHERE asked_at <= now() - interval '1 day'");
}

const registrationColumns = 'id, name, email, password_hash AS "passwordHash"';

const registrationRows = (sql: Sql): RegistrationStore => {
  const find = async (condition: string, value: unknown) => {
    const [row] = await sql.query<Registration>(
      `SELECT ${registrationColumns} FROM pending_registrations
       WHERE ${condition} AND expires_at > clock_timestamp() ORDER BY created_at DESC, id LIMIT 1`,
      [value],
    );
    return row;
  };
  return {
    async add({ id, name, email, passwordHash }, until) {
      await sql.execute(
        `INSERT INTO pending_registrations (id, name, email, password_hash, created_at, expires_at)
         VALUES ($1, $2, $3, $4, clock_timestamp(), $5)`,
        [id, name, email, passwordHash, until],
      );
    },
    byToken: (tokenHash) => find('token_hash = $1', tokenHash),
    byId: (id) => find('id = $1', id),
    newestOf: (email) => find('lower(email) = lower($1)', email),
    async giveToken(id, tokenHash, until) {
      await sql.execute('UPDATE pending_registrations SET token_hash = $2, expires_at = $3 WHERE id = $1', [
        ...[id, tokenHash, until],
      ]);
    },
    async voidTokensOf(email) {
      await sql.execute('UPDATE pending_registrations SET token_hash = NULL WHERE lower(email) = lower($1)', [email]);
    },
    async removeAllOf(email) {
      await sql.execute('DELETE FROM pending_registrations WHERE lower(email) = lower($1)', [email]);
    },
  };
};

const mailTokenRows = (sql: Sql): MailTokenStore => ({
  async add({ hash, purpose, userId, email, until }) {
    await sql.execute(
      'INSERT INTO mail_tokens (token_hash, purpose, user_id, email, expires_at) VALUES ($1, $2, $3, $4, $5)',
      [hash, purpose, userId, email, until],
    );
  },
  async userOf(purpose, hash) {
    const [row] = await sql.query<{ user_id: string }>(
      'SELECT user_id FROM mail_tokens WHERE token_hash = $1 AND purpose = $2',
      [hash, purpose],
    );
    return row?.user_id;
  },
  async take(purpose, hash) {
    const [row] = await sql.query<{ userId: string; email: string }>(
      `DELETE FROM mail_tokens WHERE token_hash = $1 AND purpose = $2 AND expires_at > clock_timestamp()
       RETURNING user_id AS "userId", email`,
      [hash, purpose],
    );
    return row;
  },
  async removeAllOf(userId, purpose) {
    await sql.execute('DELETE FROM mail_tokens WHERE user_id = $1 AND ($2::text IS NULL OR purpose = $2)', [
      userId,
      purpose ?? null,
    ]);
  },
});

const mailRequestRows = (sql: Sql): MailRequestStore => ({
  async add({ kind, email, registrationId, userId }) {
    await sql.execute(
      `INSERT INTO mail_requests (id, kind, email, registration_id, user_id, asked_at)
       VALUES ($1, $2, $3, $4, $5, clock_timestamp())`,
      [randomUUID(), kind, email, registrationId ?? null, userId ?? null],
    );
  },
  async takeOfStranger() {
    const [row] = await sql.query<{ kind: MailRequest['kind']; email: string; registration_id: string | null }>(
      `DELETE FROM mail_requests WHERE id = (
         SELECT id FROM mail_requests WHERE user_id IS NULL ORDER BY seq LIMIT 1 FOR UPDATE SKIP LOCKED)
       RETURNING kind, email, registration_id`,
    );
    return row && { kind: row.kind, email: row.email, registrationId: row.registration_id ?? undefined };
  },
  async oldestOfUser() {
    const [row] = await sql.query<{ id: string; kind: MailRequest['kind']; email: string; userId: string }>(
      'SELECT id, kind, email, user_id AS "userId" FROM mail_requests WHERE user_id IS NOT NULL ORDER BY seq LIMIT 1',
    );
    return row;
  },
  async takeOfUser(id) {
    return (await sql.execute('DELETE FROM mail_requests WHERE id = $1', [id])) === 1;
  },
  async removeAllOf(userId) {
    await sql.execute('DELETE FROM mail_requests WHERE user_id = $1', [userId]);
  },
  async count({ kind, email }) {
    const [row] = await sql.query<{ count: number }>(
      `INSERT INTO mail_request_counts AS c (kind, email, began_at, count) VALUES ($1, lower($2), clock_timestamp(), 1)
       ON CONFLICT (kind, email) DO UPDATE SET
         count = CASE WHEN c.began_at <= excluded.began_at - interval '1 hour' THEN 1 ELSE c.count + 1 END,
         began_at = CASE WHEN c.began_at <= excluded.began_at - interval '1 hour' THEN excluded.began_at ELSE c.began_at END
       RETURNING count`,
      [kind, email],
    );
    return row?.count ?? 0;
  },
});

const formerPasswordRows = (sql: Sql): FormerPasswords => ({
  async add(userId, passwordHash, keep) {
    await sql.execute('INSERT INTO former_passwords (user_id, password_hash) VALUES ($1, $2)', [userId, passwordHash]);
    await sql.execute(
      `DELETE FROM former_passwords WHERE user_id = $1
         AND seq NOT IN (SELECT seq FROM former_passwords WHERE user_id = $1 ORDER BY seq DESC LIMIT $2)`,
      [userId, keep],
    );
  },
});
