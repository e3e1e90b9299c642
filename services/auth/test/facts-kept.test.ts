import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AccessFactSchema, AccessPositionSchema, subjects } from '@berth/contracts';
import type { Database } from '@berth/database';
import { notify } from '@berth/messaging';
import { eventually, ownNats } from '@berth/testing';
import { create, toBinary } from '@bufbuild/protobuf';
import { writeFacts } from '../src/adapters/postgres/access/fact-rows.ts';
import { newestPosition } from '../src/adapters/postgres/access/read-facts.ts';
import { dropOldSessions } from '../src/adapters/postgres/sessions/read-sessions.ts';
import { newUser, peopleClient } from './support/people.ts';
import { addUser, aWayIn, sessionClient } from './support/sessions.ts';
import { newWorld } from './support/world.ts';

test('facts that are too large for one message together come in several', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const database = await world.database();
  const permissions = Array.from({ length: 10_000 }, (_, i) => `vms:${String(i).padStart(20, '0')}`);
  const names = Array.from({ length: 6 }, (_, i) => `large-${i}`);
  await database.transaction((sql) =>
    writeFacts(
      sql,
      names.map((name) => ({
        fact: { kind: 'group', name, permissions, everywhere: true, limits: [], removed: false },
        until: undefined,
      })),
    ),
  );
  const { state } = await aWayIn(t, world);
  for (const name of names) assert.equal(state.group(name)?.permissions.length, permissions.length);
});

/** Puts the facts back as they were at a time when the session "lost" had ended and the group "viewer" was not there. */
async function putBack(database: Database): Promise<void> {
  const body = toBinary(
    AccessFactSchema,
    create(AccessFactSchema, { fact: { case: 'session', value: { id: 'lost' } } }),
  );
  await database.transaction(async (sql) => {
    await sql.execute('CREATE TABLE put_back AS SELECT * FROM access_facts');
    await sql.execute("UPDATE put_back SET kind = 'session', subject = 'lost', body = $1 WHERE subject = 'viewer'", [
      Buffer.from(body),
    ]);
    await sql.execute('TRUNCATE access_facts');
    await sql.execute('INSERT INTO access_facts SELECT * FROM put_back');
    await sql.execute('DROP TABLE put_back');
  });
}

test('facts that were put back are read anew, although the position is the same as before', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const database = await world.database();
  const { state } = await aWayIn(t, world);
  await eventually(async () => state.position === (await newestPosition(database)).position);
  const before = state.position;
  assert.ok(state.group('viewer') !== undefined && !state.hasEnded('lost'));
  await putBack(database);
  await eventually(() => state.hasEnded('lost'));
  assert.deepEqual([state.group('viewer'), state.position], [undefined, before]);
});

test('facts that were put back while NATS was away are known before anybody is let in', async (t) => {
  const nats = await ownNats(t);
  const world = await newWorld(t, nats.url);
  await world.replica();
  const database = await world.database();
  const way = await aWayIn(t, world);
  await eventually(async () => way.state.position === (await newestPosition(database)).position);
  await nats.kill();
  await eventually(() => !way.isCurrent());
  await putBack(database);
  await nats.start();
  const seen = new Set<boolean>();
  await eventually(() => {
    if (way.isCurrent()) seen.add(way.state.hasEnded('lost'));
    return seen.has(true);
  });
  assert.ok(!seen.has(false), 'it was current with what it knew before');
});

test('who still tells positions of the history before is not believed, and keeps nobody from the news', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const database = await world.database();
  const way = await aWayIn(t, world);
  await eventually(async () => way.state.position === (await newestPosition(database)).position);
  const before = await newestPosition(database);
  await putBack(database);
  const telling = setInterval(() => notify(world.bus, subjects.accessPosition, AccessPositionSchema, before), 20);
  t.after(() => clearInterval(telling));
  await eventually(() => way.state.hasEnded('lost'));
  const people = peopleClient(world.bus);
  const { id } = await newUser(people, 'ada', 'operator');
  const begun = performance.now();
  await people.ban({ id });
  await eventually(() => way.state.user(id)?.refused);
  assert.ok(performance.now() - begun < 1_000);
  assert.ok(way.isCurrent() && way.state.hasEnded('lost'));
});

test('that keys of a user are to be asked about again is known for a day, not for ever', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const people = peopleClient(world.bus);
  const { id } = await newUser(people, 'ada', 'viewer');
  await people.ban({ id });
  const database = await world.database();
  const rows = await database.query<{ passes: boolean }>(
    "SELECT until < now() + interval '1 day' AS passes FROM access_facts WHERE kind = 'api-keys-of' AND subject = $1",
    [id],
  );
  assert.deepEqual(rows, [{ passes: true }]);
});

test('sessions and used refresh tokens without an end of their own are dropped when nobody can use them any more', async (t) => {
  const world = await newWorld(t);
  const stop = await world.replica();
  const userId = await addUser(world);
  const api = sessionClient(world.bus);
  await api.refresh(await api.signIn());
  await stop();
  const database = await world.database();
  const counts = async () => {
    await dropOldSessions(database);
    const [row] = await database.query<{ sessions: number; tokens: number }>(
      'SELECT (SELECT count(*) FROM sessions)::integer AS sessions, (SELECT count(*) FROM refresh_tokens)::integer AS tokens',
    );
    return row;
  };
  const past = "now() - interval '100 days'";
  await database.execute(
    `UPDATE sessions SET expires_at = NULL, access_tokens_until = ${past}, last_seen_at = ${past}`,
  );
  await database.execute('UPDATE refresh_tokens SET expires_at = NULL');
  assert.deepEqual(await counts(), { sessions: 1, tokens: 2 });
  await database.execute(`UPDATE refresh_tokens SET used_at = ${past} WHERE used_at IS NOT NULL`);
  assert.deepEqual(await counts(), { sessions: 1, tokens: 1 });
  await database.execute('UPDATE users SET session_version = session_version + 1 WHERE id = $1', [userId]);
  assert.deepEqual(await counts(), { sessions: 0, tokens: 0 });
});
