import type { Sql } from '@berth/database';
import type { AnswerBook } from '../../../app/pools/pool-ports.ts';
import { idempotencyKeyReused } from '../../../domain/errors.ts';

/** How long an Idempotency-Key binds. */
const keysKept = '24 hours';

/** What writes answered, in Postgres. Of two that come with one key, the second waits for the first one's end at the key's row. */
export const postgresAnswers = (sql: Sql): AnswerBook => ({
  async claim({ scope, key, fingerprint }) {
    const claimed = await sql.execute(
      `INSERT INTO answered_keys AS k (scope, key, fingerprint, answer) VALUES ($1, $2, $3, '')
       ON CONFLICT (scope, key) DO UPDATE SET fingerprint = excluded.fingerprint, answer = '', created_at = clock_timestamp()
       WHERE k.created_at <= clock_timestamp() - interval '${keysKept}'`,
      [scope, key, Buffer.from(fingerprint)],
    );
    if (claimed === 1) return undefined;
    const [first] = await sql.query<{ fingerprint: Buffer; answer: Buffer }>(
      'SELECT fingerprint, answer FROM answered_keys WHERE scope = $1 AND key = $2',
      [scope, key],
    );
    if (first === undefined) return this.claim({ scope, key, fingerprint }); // dropped right now
    if (!first.fingerprint.equals(Buffer.from(fingerprint))) throw idempotencyKeyReused();
    return first.answer;
  },

  async answer({ scope, key }, answer) {
    await sql.execute('UPDATE answered_keys SET answer = $3 WHERE scope = $1 AND key = $2', [
      scope,
      key,
      Buffer.from(answer),
    ]);
  },
});

/** Drops answers whose keys bind no more. */
export const dropOldAnswers = (sql: Sql): Promise<number> =>
  sql.execute(`DELETE FROM answered_keys WHERE created_at <= clock_timestamp() - interval '${keysKept}'`);
