import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Database } from '@berth/database';
import { isKind } from '@berth/errors';
import { eventually, eventuallyHolds } from '@berth/testing';
import { accountWorld } from './support/account-world.ts';
import { assertFactsAreRows } from './support/facts-oracle.ts';
import { aGround, type UseCase } from './support/use-cases.ts';

/** So many pairs run at the same moment, so that more than two meet. */
const pairsAtOnce = 6;

test('every pair of writing use cases, over two replicas, ends without a deadlock and leaves what has to hold', async (t) => {
  const world = await accountWorld(t, [{ apiKeysPerUser: 10_000 }, { apiKeysPerUser: 10_000 }]);
  const ground = await aGround(world);
  const all = Object.entries(ground.useCases);
  const pairs = all.flatMap((one, at) => all.slice(at).map((other) => [one, other]));
  const kept = new Map<string, number>();
  for (let from = 0; from < pairs.length; from += pairsAtOnce) {
    const round = pairs.slice(from, from + pairsAtOnce).flat();
    await ground.restore(round.map(([name]) => name));
    await Promise.all(round.map(([name, useCase]) => tried(name, useCase, kept)));
    await assertHolds(world.db);
  }
  await world.allAnswered();
  await eventuallyHolds(() => assertFactsAreRows(world.db)); // what was given up by its asker may still be under way
  assert.equal(await deadlocks(world.db), 0);
  const never = all.map(([name]) => name).filter((name) => !kept.has(name));
  assert.deepEqual(never, [], 'who is always refused shows nothing');
});

/** Runs it; a refusal is an answer, too, as long as it was foreseen. On a busy machine an asker may give up before the answer. */
async function tried(name: string, useCase: UseCase, kept: Map<string, number>): Promise<void> {
  try {
    await useCase();
    kept.set(name, (kept.get(name) ?? 0) + 1);
  } catch (error) {
    const isForeseen = error instanceof Error && 'kind' in error && !isKind(error, 'bug') && !isDatabaseTrouble(error);
    if (!isForeseen) throw new Error(`${name} failed`, { cause: error });
  }
}

/** Not that of an asker that had no answer in its time. */
const isDatabaseTrouble = (error: unknown): boolean => isKind(error, 'unavailable') && error.details['sent'] !== true;

/** What has to be true of the tables whatever ran. */
async function assertHolds(database: Database): Promise<void> {
  const [row] = await database.query<Record<string, boolean>>(
    `SELECT
       EXISTS (SELECT FROM users u JOIN memberships m ON m.user_id = u.id AND m.group_name = 'admin'
               WHERE u.banned_until IS NULL OR u.banned_until <= clock_timestamp()) AS "an admin is left",
       NOT EXISTS (SELECT FROM users u WHERE home_group IS NOT NULL AND NOT EXISTS (
         SELECT FROM memberships m WHERE m.user_id = u.id AND m.group_name = u.home_group)) AS "home groups are groups of their users",
       NOT EXISTS (SELECT FROM users u WHERE home_group IS NULL AND EXISTS (
         SELECT FROM memberships m WHERE m.user_id = u.id)) AS "who is in a group has a home group",
       NOT EXISTS (SELECT FROM former_passwords GROUP BY user_id HAVING count(*) > 4) AS "former passwords are pruned",
       NOT EXISTS (SELECT FROM bans b JOIN users u ON u.id = b.user_id
         WHERE b.ended_at IS NULL AND u.banned_until IS NULL) AS "bans stand as their users say",
       NOT EXISTS (SELECT FROM users u WHERE u.banned_until IS NOT NULL AND NOT EXISTS (
         SELECT FROM bans b WHERE b.user_id = u.id AND b.ended_at IS NULL)) AS "who is banned has a ban"`,
  );
  const broken = Object.entries(row ?? {}).filter(([, holds]) => !holds);
  assert.deepEqual(broken, []);
}

/** How often Postgres ended a transaction of this database because of a circle. Connections tell it at their end, so all others are ended. */
async function deadlocks(database: Database): Promise<number> {
  const ended = await database.query<{ pid: number }>(
    `SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`,
  );
  await eventually(async () => {
    const left = await database.query('SELECT 1 FROM pg_stat_activity WHERE pid = ANY($1)', [
      ended.map(({ pid }) => pid),
    ]);
    return left.length === 0;
  });
  const [row] = await database.query<{ deadlocks: string }>(
    'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
  );
  return Number(row?.deadlocks);
}
