import type { Sql } from '@berth/database';
import type { AccountReader } from '../../../app/accounts/account-store.ts';
import { type StoredUser, toUser, userColumns } from '../users/user-rows.ts';

/** Reads accounts in auth's schema. */
export const accountReader = (sql: Sql): AccountReader => {
  const find = async (condition: string, value: unknown) => {
    const [row] = await sql.query<StoredUser>(`SELECT ${userColumns} FROM users u WHERE ${condition}`, [value]);
    return row && toUser(row);
  };
  return {
    byId: (id) => find('u.id = $1', id),
    byName: (name) => find('lower(u.name) = lower($1)', name),
    byLogin: (login) => find('lower(u.name) = lower($1) OR lower(u.email) = lower($1)', login),
    byResetToken: (hash) =>
      find(
        `u.id = (SELECT t.user_id FROM mail_tokens t
           WHERE t.token_hash = $1 AND t.purpose = 'reset-password' AND t.expires_at > clock_timestamp())`,
        hash,
      ),
    async formerPasswords(userId, most) {
      const rows = await sql.query<{ hash: string }>(
        'SELECT password_hash AS hash FROM former_passwords WHERE user_id = $1 ORDER BY seq DESC LIMIT $2',
        [userId, most],
      );
      return rows.map(({ hash }) => hash);
    },
  };
};
