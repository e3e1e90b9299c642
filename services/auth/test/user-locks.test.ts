import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Database } from '@berth/database';
import { eventually } from '@berth/testing';
import { newUser, peopleClient } from './support/people.ts';
import { addUser, payloadOf, sessionClient } from './support/sessions.ts';
import { newWorld } from './support/world.ts';

/** Runs `change` in a transaction, and commits it when somebody waits for one of its locks: `rival` began before the commit. */
async function overtaken<T>(
  database: Database,
  change: Parameters<Database['transaction']>[0],
  rival: () => Promise<T>,
): Promise<T> {
  let running: Promise<T> | undefined;
  await database.transaction(async (sql) => {
    await change(sql);
    running = rival();
    running.catch(() => {}); // it is looked at below
    await eventually(async () => {
      const [row] = await database.query<{ waiting: boolean }>(
        `SELECT count(*) > 0 AS waiting FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return row?.waiting === true;
    });
  });
  if (running === undefined) throw new Error('the rival never ran');
  return running;
}

test('a refresh that waits while the user leaves a group gives a token without that group', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const database = await world.database();
  const id = await addUser(world, { groups: ['operator', 'viewer'] });
  const leaveOperators: Parameters<Database['transaction']>[0] = async (sql) => {
    await sql.execute(
      "UPDATE users SET permissions_version = permissions_version + 1, home_group = 'viewer' WHERE id = $1",
      [id],
    );
    await sql.execute("DELETE FROM memberships WHERE user_id = $1 AND group_name = 'operator'", [id]);
  };
  const api = sessionClient(world.bus);
  const first = await api.signIn();
  const tokens = await overtaken(database, leaveOperators, () => api.refresh(first));
  const { groups, pv } = payloadOf(tokens);
  assert.deepEqual({ groups, pv }, { groups: ['viewer'], pv: 2 });
});

test('a change of something else does not bring back a group that the user has just lost', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const database = await world.database();
  const people = peopleClient(world.bus);
  const user = await newUser(people, 'ada', 'admin', 'viewer');
  await overtaken(
    database,
    async (sql) => {
      await sql.execute(
        "UPDATE users SET permissions_version = permissions_version + 1, home_group = 'viewer' WHERE id = $1",
        [user.id],
      );
      await sql.execute("DELETE FROM memberships WHERE user_id = $1 AND group_name = 'admin'", [user.id]);
    },
    () => people.updateUser({ id: user.id, accessTokenSeconds: 120n }, ['access_token_seconds']),
  );
  assert.deepEqual((await people.getUser(user.id)).user?.groups, ['viewer']);
});
