import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { eventually } from '@berth/testing';
import { timestampFromDate, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { asUser, factsOf, holderOf, keepMails, newUser, peopleClient, userFactOf } from './support/people.ts';
import { newWorld, withCode } from './support/world.ts';

test('a ban ends all sessions and is told at once, with the mail and the history; lifting it lets in again', async (t) => {
  const world = await newWorld(t);
  await Promise.all([world.replica(), world.replica()]);
  const people = peopleClient(world.bus);
  const mails = await keepMails(world);
  const { id } = await newUser(people, 'anna', 'viewer');
  const { user: banned } = await people.ban({ id, reason: 'sent spam', notify: true });
  assert.deepEqual([banned?.ban?.reason, banned?.ban?.until], ['sent spam', undefined]);
  const fact = await userFactOf(world.bus, id);
  assert.deepEqual([fact?.refused, fact?.oldestSessionVersion], [true, 2]);
  const keys = (await factsOf(world.bus)).filter((one) => one.case === 'apiKey' && one.value.userId === id);
  assert.equal(keys.length, 1, 'gateways forget whose API keys they know');
  assert.deepEqual(await mails('banned'), [
    { to: 'anna@example.com', values: { name: 'anna', until: '', reason: 'sent spam' } },
  ]);

  const { user: free } = await people.unban(id);
  assert.equal(free?.ban, undefined);
  const after = await userFactOf(world.bus, id);
  assert.deepEqual([after?.refused, after?.oldestSessionVersion], [false, 2], 'what ended stays ended');
  assert.equal((await mails('unbanned')).length, 1);
  await assert.rejects(people.unban(id), withCode('NOT_BANNED'));
  const [ban, ...more] = (await people.bans(id)).bans;
  assert.deepEqual(
    [ban?.reason, ban?.bannedBy, ban?.ending, ban?.endedBy, ban?.liftReason, more.length],
    ['sent spam', 'test', 'lifted', 'test', 'a mistake', 0],
  );
  assert.ok(ban?.endedAt);
});

test('a ban until a date lifts itself once, whoever of the replicas sees it, and says so', async (t) => {
  const world = await newWorld(t);
  await Promise.all([world.replica(), world.replica()]);
  const people = peopleClient(world.bus);
  const mails = await keepMails(world);
  const { id } = await newUser(people, 'anna');
  const until = timestampFromMs(Date.now() + 3_600_000);
  const { user } = await people.ban({ id, until });
  assert.deepEqual(user?.ban?.until, until);
  assert.equal((await mails('banned')).length, 0, 'nobody asked for a mail');
  assert.equal((await userFactOf(world.bus, id))?.refused, true);
  const database = await world.database();
  const over = new Date(Date.now() - 5); // an hour later
  await database.execute(
    'WITH ban AS (UPDATE bans SET until = $2 WHERE user_id = $1) UPDATE users SET banned_until = $2 WHERE id = $1',
    [id, over],
  );
  await eventually(async () => (await userFactOf(world.bus, id))?.refused === false);
  const { bans } = await people.bans(id);
  assert.deepEqual(
    bans.map(({ ending, endedBy }) => [ending, endedBy]),
    [['ran_out', '']],
  );
  assert.deepEqual(bans[0]?.endedAt, timestampFromDate(over));
  assert.equal((await people.getUser(id)).user?.ban, undefined);
  assert.equal((await mails('unbanned')).length, 1);
  const [lifted] = await database.query<{ before: { ban: object | null }; after: { ban: object | null } }>(
    "SELECT before, after FROM audit_entries WHERE action = 'user.unbanned'",
  );
  assert.deepEqual([lifted?.before?.ban, lifted?.after.ban], [{ until: over.toISOString(), reason: 'spam' }, null]);
});

test('a ban that is over is over before anybody has written that down', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const people = peopleClient(world.bus);
  const { id } = await newUser(people, 'anna', 'admin');
  const other = await newUser(people, 'ben', 'admin');
  await people.ban({ id });
  await assert.rejects(people.ban({ id: other.id }), withCode('LAST_ADMIN'));
  const database = await world.database();
  // A transaction holds the row, so that no sweep gets it; reads see what it was before.
  await database.execute("UPDATE users SET banned_until = clock_timestamp() + interval '1 second' WHERE id = $1", [id]);
  await database.transaction(async (sql) => {
    await sql.query('SELECT 1 FROM users WHERE id = $1 FOR UPDATE', [id]);
    await eventually(async () => (await people.listUsers({ filter: { banned: true } })).users.length === 0);
    await people.ban({ id: other.id }); // anna counts as an admin again
  });
});

test('another ban replaces the one that stands, and pages of the history hold each once', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const people = peopleClient(world.bus);
  const { id } = await newUser(people, 'anna');
  for (const reason of ['one', 'two', 'three']) await people.ban({ id, reason });
  const first = await people.bans(id, { pageSize: 2 });
  const second = await people.bans(id, { pageSize: 2, pageToken: first.nextPageToken });
  const seen = [...first.bans, ...second.bans].map(({ reason, ending }) => [reason, ending]);
  assert.deepEqual(seen, [
    ['three', ''],
    ['two', 'replaced'],
    ['one', 'replaced'],
  ]);
  assert.equal(second.nextPageToken, '');
  assert.equal((await userFactOf(world.bus, id))?.oldestSessionVersion, 4);
  await assert.rejects(people.bans('nobody'), withCode('USER_NOT_FOUND'));
});

test('a ban that is repeated with its operation id is one, and many at once leave one that stands', async (t) => {
  const world = await newWorld(t);
  await Promise.all([world.replica(), world.replica()]);
  const people = peopleClient(world.bus);
  const { id } = await newUser(people, 'anna');
  const as = { principal: holderOf('*'), operationId: randomUUID() };
  await Promise.all(Array.from({ length: 5 }, () => people.ban({ id }, as)));
  assert.equal((await people.bans(id)).bans.length, 1);
  await Promise.all(Array.from({ length: 5 }, () => people.ban({ id })));
  const { bans } = await people.bans(id);
  assert.equal(bans.length, 6);
  assert.equal(bans.filter(({ ending }) => ending === '').length, 1);
});

test('nobody bans themselves, and a ban needs a reason and a future', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const people = peopleClient(world.bus);
  const anna = await newUser(people, 'anna', 'admin');
  await newUser(people, 'ben', 'admin');
  await assert.rejects(people.ban({ id: anna.id }, asUser(anna)), withCode('OWN_BAN'));
  await assert.rejects(people.ban({ id: anna.id, reason: ' ' }), withCode('INVALID_REQUEST'));
  await assert.rejects(
    people.ban({ id: anna.id, until: timestampFromMs(Date.now() - 1_000) }),
    withCode('INVALID_REQUEST'),
  );
  await assert.rejects(people.ban({ id: 'nobody' }), withCode('USER_NOT_FOUND'));
  assert.equal(await userFactOf(world.bus, anna.id), undefined);
});
