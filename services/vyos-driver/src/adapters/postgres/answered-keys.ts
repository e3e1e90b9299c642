import type { Sql } from '@berth/database';
import { DomainError } from '@berth/errors';
import type { KeyUse, RegistryAnswer } from '../../app/routers/router-registry.ts';

/** How long an Idempotency-Key binds. */
const keysKept = '24 hours';

/**
 * What `work` answers, in its transaction; or, when the key was used before, what was answered then, and nothing is done. Of two that come with one
 * key, the second waits for the first one's end at the key's row. Throws `unprocessable` IDEMPOTENCY_KEY_REUSED when the first asked for something else.
 */
export async function answeredOnce(
  sql: Sql,
  use: KeyUse | undefined,
  work: () => Promise<Uint8Array>,
): Promise<RegistryAnswer> {
  if (use === undefined) return { answer: await work(), replayed: false };
  await dropOldAnswers(sql);
  const first = await claim(sql, use);
  if (first !== undefined) return { answer: first, replayed: true };
  const answer = await work();
  await sql.execute('UPDATE answered_keys SET answer = $3 WHERE scope = $1 AND key = $2', [
    use.scope,
    use.key,
    Buffer.from(answer),
  ]);
  return { answer, replayed: false };
}

async function claim(sql: Sql, { scope, key, fingerprint }: KeyUse): Promise<Uint8Array | undefined> {
  const claimed = await sql.execute(
    `INSERT INTO answered_keys (scope, key, fingerprint, answer) VALUES ($1, $2, $3, '') ON CONFLICT (scope, key) DO NOTHING`,
    [scope, key, Buffer.from(fingerprint)],
  );
  if (claimed === 1) return undefined;
  const [first] = await sql.query<{ fingerprint: Buffer; answer: Buffer }>(
    'SELECT fingerprint, answer FROM answered_keys WHERE scope = $1 AND key = $2',
    [scope, key],
  );
  if (first === undefined) return claim(sql, { scope, key, fingerprint }); // dropped right now
  if (first.fingerprint.equals(Buffer.from(fingerprint))) return first.answer;
  throw new DomainError(
    'unprocessable',
    'IDEMPOTENCY_KEY_REUSED',
    'This Idempotency-Key was used for another request within the last 24 hours.',
  );
}

/** Changes of routers are few: each drops what binds no more, without waiting for others that do. */
const dropOldAnswers = (sql: Sql): Promise<number> =>
  sql.execute(
    `DELETE FROM answered_keys WHERE (scope, key) IN (SELECT scope, key FROM answered_keys
       WHERE created_at <= clock_timestamp() - interval '${keysKept}' LIMIT 1000 FOR UPDATE SKIP LOCKED)`,
  );
