import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LimitService } from '@berth/contracts';
import type { Database } from '@berth/database';
import { request } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { accountWorld, goodPassword, signedIn } from './support/account-world.ts';
import { identityClient } from './support/identity-client.ts';
import { redirectUri } from './support/openid-provider.ts';
import { newUser, peopleClient } from './support/people.ts';
import { addUser, payloadOf, sessionClient } from './support/sessions.ts';
import { newWorld, withCode } from './support/world.ts';

/** Runs `change` in a transaction, and commits it when somebody waits for one of its locks: `rival` began before the commit. */
async function overtaken<T>(
  database: Database,
  change: Parameters<Database['transaction']>[0],
  rival: () => Promise<T>,
  meanwhile = async () => {},
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
    await meanwhile();
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

test('a change of something else does not bring back a redirect URI that was just taken from a provider', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const database = await world.database();
  const identities = identityClient(world.bus);
  const endpoints = { authorization: 'https://id.test/a', token: 'https://id.test/t', userinfo: 'https://id.test/p' };
  await identities.createProvider('corp', { preset: 'custom', endpoints });
  await overtaken(
    database,
    async (sql) => {
      await sql.execute("UPDATE identity_providers SET version = version + 1 WHERE name = 'corp'");
      await sql.execute("UPDATE identity_redirect_uris SET uri = 'https://new.test/back' WHERE uri = $1", [
        redirectUri,
      ]);
    },
    () => identities.changeProvider('corp', { displayName: 'Corp' }, ['display_name']),
  );
  const uris = await database.query<{ uri: string }>('SELECT uri FROM identity_redirect_uris');
  assert.deepEqual(uris, [{ uri: 'https://new.test/back' }]);
});

test('a wish for another address with a password that is just being changed is refused, and one that waits is dropped', async (t) => {
  const world = await accountWorld(t);
  const id = await world.someone({ name: 'ada' });
  const me = signedIn(world.bus, id);
  const late = overtaken(
    world.db,
    (sql) => sql.execute("UPDATE users SET password_hash = password_hash || 'x' WHERE id = $1", [id]),
    () => me.changeEmail('thief@example.com'),
  );
  await assert.rejects(late, withCode('CURRENT_PASSWORD_WRONG'));
  await world.db.execute('UPDATE users SET password_hash = left(password_hash, -1)');
  const wishes = async () => (await world.db.query('SELECT 1 FROM mail_requests')).length;
  // While somebody has the word of the address, its wish is not answered; whoever drops it does not wait for that.
  await world.db.transaction(async (sql) => {
    await sql.query("SELECT pg_advisory_xact_lock(hashtextextended('address thief@example.com:auth', 0))");
    await me.changeEmail('thief@example.com');
    assert.equal(await wishes(), 1);
    await me.changePassword(goodPassword, 'another pair of boots');
    assert.equal(await wishes(), 0);
  });
  assert.deepEqual(
    (await world.mails()).filter(({ to }) => to === 'thief@example.com'),
    [],
  );
});

test('units come back in the order in which they are leased, so that nobody waits in a circle', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const database = await world.database();
  const { method } = LimitService;
  const window = (subject: string) => ({ subject, endpointGroup: '', windowSeconds: 3_600, windowStart: 0n });
  const subjects = ['user:a', 'user:b'];
  const asks = subjects.map((subject) => ({ window: window(subject), limit: 10n, needed: 2, extra: 0 }));
  await request(world.bus, method.leaseQuota, { asks }, { timeoutMs: 10_000 });
  let isFree = false;
  const returns = subjects.toReversed().map((subject) => ({ window: window(subject), units: 1 }));
  await overtaken(
    database,
    (sql) => sql.query("SELECT 1 FROM limit_windows WHERE subject = 'user:a' FOR UPDATE"),
    () => request(world.bus, method.returnQuota, { id: 'r', returns }, { timeoutMs: 10_000 }),
    async () => {
      const rows = await database.query("SELECT 1 FROM limit_windows WHERE subject = 'user:b' FOR UPDATE SKIP LOCKED");
      isFree = rows.length === 1;
    },
  );
  assert.ok(isFree, 'who waits for the first has not locked the second');
  const taken = await database.query<{ taken: string }>('SELECT taken FROM limit_windows');
  assert.deepEqual(taken, [{ taken: '1' }, { taken: '1' }]);
});
