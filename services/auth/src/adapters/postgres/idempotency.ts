import type { Sql } from '@berth/database';
import type { Idempotency } from '../../app/keys/api-key-store.ts';

const kept = "interval '24 hours'";

/** What an earlier run of the same request answered. */
export interface KeptAnswer {
  readonly fingerprint: Uint8Array;
  readonly answer: unknown;
}

/** Takes the key for this transaction, or gives back what it was answered. A rival that has not committed yet is waited for. */
export async function claim(sql: Sql, { scope, key, fingerprint }: Idempotency): Promise<KeptAnswer | undefined> {
  const taken = await sql.execute(
    `INSERT INTO given_answers AS a (scope, key, fingerprint, claimed_at) VALUES ($1, $2, $3, now())
     ON CONFLICT (scope, key) DO UPDATE SET fingerprint = excluded.fingerprint, claimed_at = now(), answer = NULL
       WHERE a.claimed_at <= now() - ${kept}`,
    [scope, key, Buffer.from(fingerprint)],
  );
  if (taken === 1) return undefined;
  const [earlier] = await sql.query<{ fingerprint: Buffer; answer: unknown }>(
    'SELECT fingerprint, answer FROM given_answers WHERE scope = $1 AND key = $2',
    [scope, key],
  );
  return earlier;
}

/** Keeps the answer, which holds no secret, with its claim. */
export async function remember(sql: Sql, { scope, key }: Idempotency, answer: unknown): Promise<void> {
  await sql.execute('UPDATE given_answers SET answer = $3 WHERE scope = $1 AND key = $2', [
    scope,
    key,
    JSON.stringify(answer),
  ]);
}

/** Drops answers that are past their time. */
export async function dropOldAnswers(sql: Sql): Promise<void> {
  await sql.execute(`DELETE FROM given_answers WHERE claimed_at <= now() - ${kept}`);
}
