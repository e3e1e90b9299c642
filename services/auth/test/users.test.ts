import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AccountService, SessionService } from '@berth/contracts';
import { request } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { holderOf, keepMails, newUser, peopleClient, userFactOf } from './support/people.ts';
import { newWorld, withCode } from './support/world.ts';

for (const [userIds, shape] of [
  ['uuid', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/],
  ['integer', /^[1-9][0-9]*$/],
] as const) {
  test(`users are made, read, found, changed and removed where ids are of the kind ${userIds}`, async (t) => {
    const world = await newWorld(t, undefined, userIds);
    await world.replica({ userIds });
    const people = peopleClient(world.bus);
    const anna = await newUser(people, 'Anna', 'operator');
    const ben = await newUser(people, 'ben', 'viewer', 'operator');
    assert.match(anna.id, shape);
    assert.notEqual(anna.id, ben.id);
    assert.deepEqual((await people.getUser(anna.id)).user, anna);
    assert.ok(anna.hasPassword && anna.emailVerifiedAt);
    assert.deepEqual((await people.listUsers({ filter: { name: 'AN' } })).users, [anna]);
    const { user: changed } = await people.updateUser({ id: anna.id, name: 'anne', email: 'anne@example.com' }, [
      'name',
      'email',
    ]);
    assert.equal(changed?.name, 'anne');
    assert.equal(changed?.emailVerifiedAt, undefined, 'a new address is not verified');
    await people.removeUser(anna.id);
    await assert.rejects(people.getUser(anna.id), withCode('USER_NOT_FOUND'));
    const fact = await userFactOf(world.bus, anna.id);
    assert.ok(fact?.refused && fact.oldestSessionVersion === 2);
    await people.getUser(ben.id);
  });
}

test('another kind of ids than the database was made with stops the start, and none said is the one there is', async (t) => {
  const world = await newWorld(t, undefined, 'integer');
  await world.replica({ userIds: 'integer' });
  await assert.rejects(
    world.replica({ userIds: 'uuid' }),
    /BERTH_USER_IDS is uuid, but this database was made with integer/,
  );
  await world.replica();
});

test('of many users made at once with one name, over two replicas, one is there; the same of addresses in another case', async (t) => {
  const world = await newWorld(t);
  await Promise.all([world.replica(), world.replica()]);
  const people = peopleClient(world.bus);
  const make = (name: string, email: string) => people.createUser({ user: { name, email } });
  const named = await Promise.allSettled(
    Array.from({ length: 10 }, (_, i) => make(i % 2 === 0 ? 'Twin' : 'twin', `t${i}@example.com`)),
  );
  assert.equal(named.filter(({ status }) => status === 'fulfilled').length, 1);
  const mailed = await Promise.allSettled(
    Array.from({ length: 10 }, (_, i) => make(`m${i}`, i % 2 === 0 ? 'One@example.com' : 'one@EXAMPLE.com')),
  );
  assert.equal(mailed.filter(({ status }) => status === 'fulfilled').length, 1);
  for (const answer of [...named, ...mailed]) {
    if (answer.status === 'rejected') assert.match(answer.reason.code, /^USER_(NAME|EMAIL)_TAKEN$/);
  }
  assert.equal((await people.listUsers()).users.length, 2);
});

test('everything that is wrong is said at once', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const people = peopleClient(world.bus);
  const user = {
    ...{ name: 'a@b', email: 'nowhere', accessTokenSeconds: 5n },
    limits: [{ endpointGroup: '', windowSeconds: 61, requests: 1n }],
  };
  await assert.rejects(people.createUser({ user, password: 'short' }), (error) => {
    const { fields } = (error as { details: { fields: { field: string }[] } }).details;
    const expected = ['name', 'email', 'access_token_seconds', 'limits[0]'];
    assert.deepEqual(
      fields.map(({ field }) => field),
      expected,
    );
    return withCode('INVALID_REQUEST')(error);
  });
  await assert.rejects(people.createUser({ user: { name: 'nobody' } }), withCode('INVALID_REQUEST'));
  const good = { name: 'xe', email: 'x@example.com' };
  await assert.rejects(people.createUser({ user: good, password: 'short' }), withCode('PASSWORD_TOO_WEAK'));
  await assert.rejects(
    people.createUser({ user: { name: 'xe', email: 'x@example.com', groups: ['none'] } }),
    withCode('INVALID_REQUEST'),
  );
  await assert.rejects(people.listUsers({ sort: 'password' }), withCode('INVALID_REQUEST'));
  await assert.rejects(people.listUsers({ pageToken: 'bm9uc2Vuc2U' }), withCode('PAGE_TOKEN_INVALID'));
});

test('pages of every order and filter hold each user once', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const people = peopleClient(world.bus);
  const names = ['Zoe', 'adam', 'b_b', 'bxb', 'Carl', 'dora', 'eve'];
  for (const name of names) {
    const groups = name < 'c' ? ['operator'] : [];
    await people.createUser({ user: { name, email: `${name}@example.com`, groups }, emailVerified: name === 'eve' });
  }
  const all = async (message: Parameters<typeof people.listUsers>[0]) => {
    const seen: string[] = [];
    let pageToken = '';
    do {
      const page = await people.listUsers({ ...message, pageSize: 2, pageToken });
      seen.push(...page.users.map(({ name }) => name));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    return seen;
  };
  const byName = ['adam', 'b_b', 'bxb', 'Carl', 'dora', 'eve', 'Zoe'];
  assert.deepEqual(await all({}), byName);
  assert.deepEqual(await all({ sort: '-name' }), [...byName].reverse());
  assert.deepEqual(await all({ sort: 'created_at' }), names);
  assert.deepEqual(await all({ sort: '-created_at' }), [...names].reverse());
  assert.deepEqual(await all({ filter: { name: 'b_' } }), ['b_b'], '_ stands for itself');
  assert.deepEqual(await all({ filter: { email: 'ZOE@' } }), ['Zoe']);
  assert.deepEqual(
    await all({ filter: { group: 'operator' } }),
    ['adam', 'b_b', 'bxb', 'Carl', 'Zoe'].filter((name) => name < 'c'),
  );
  assert.deepEqual(await all({ filter: { verified: true } }), ['eve']);
  const zoe = (await people.listUsers({ filter: { name: 'zoe' } })).users[0]?.id ?? '';
  await people.ban({ id: zoe });
  assert.deepEqual(await all({ filter: { banned: true } }), ['Zoe']);
  assert.equal((await all({ filter: { banned: false } })).length, 6);
  const { nextPageToken: pageToken } = await people.listUsers({ pageSize: 2 });
  await assert.rejects(people.listUsers({ sort: '-name', pageToken }), withCode('PAGE_TOKEN_INVALID'));
});

test('other groups are told with a higher version, also when the change is sent twice', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const people = peopleClient(world.bus);
  const { id } = await newUser(people, 'anna', 'viewer');
  assert.equal(await userFactOf(world.bus, id), undefined, 'new users have no tokens that say otherwise');
  for (let round = 0; round < 2; round++) await people.updateUser({ id, groups: ['operator', 'viewer'] }, ['groups']);
  const fact = await userFactOf(world.bus, id);
  assert.deepEqual(fact?.groups, ['operator', 'viewer']);
  assert.deepEqual([fact?.permissionsVersion, fact?.oldestSessionVersion, fact?.refused], [2, 1, false]);
});

test('a version that is not there any more refuses the change', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const people = peopleClient(world.bus);
  const { id, version } = await newUser(people, 'anna');
  const seen = { principal: holderOf('*'), ifVersion: version };
  await people.updateUser({ id, name: 'anne' }, ['name'], seen);
  await assert.rejects(people.updateUser({ id, name: 'annie' }, ['name'], seen), withCode('VERSION_MISMATCH'));
  await assert.rejects(people.removeUser(id, seen), withCode('VERSION_MISMATCH'));
});

test('of two admins who remove, ban or demote each other at once, over two replicas, one remains', async (t) => {
  const world = await newWorld(t);
  await Promise.all([world.replica(), world.replica()]);
  const people = peopleClient(world.bus);
  const ends = [
    (id: string) => people.removeUser(id),
    (id: string) => people.ban({ id }),
    (id: string) => people.updateUser({ id, groups: ['viewer'] }, ['groups']),
    (id: string) => people.removeMember({ name: 'admin', userId: id }),
  ];
  let standing = await newUser(people, 'first', 'admin');
  for (let round = 0; round < 8; round++) {
    const rival = await newUser(people, `rival${round}`, 'admin');
    const [one = assert.fail(), other = assert.fail()] = [ends[round % 4], ends[(round * 3 + 1) % 4]];
    const outcomes = await Promise.allSettled([one(standing.id), other(rival.id)]);
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    assert.deepEqual(
      refused.map(({ reason }) => reason.code),
      ['LAST_ADMIN'],
    );
    const left = (await people.listUsers({ filter: { group: 'admin', banned: false } })).users;
    assert.equal(left.length, 1);
    standing = left[0] ?? assert.fail();
  }
});

test('nobody changes, bans or removes who holds more, nor gives more than they hold', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const people = peopleClient(world.bus);
  const chief = await newUser(people, 'chief', 'admin');
  await newUser(people, 'deputy', 'admin');
  const clerk = await newUser(people, 'clerk', 'viewer');
  const helper = {
    principal: holderOf(
      'users:read',
      'users:admin',
      'groups:admin',
      'vms:read',
      'pools:read',
      'operations:read',
      'routers:read',
    ),
  };
  const tooWide = withCode('PERMISSIONS_TOO_WIDE');
  await assert.rejects(people.updateUser({ id: chief.id, email: 'mine@example.com' }, ['email'], helper), tooWide);
  await assert.rejects(people.removeUser(chief.id, helper), tooWide);
  await assert.rejects(people.ban({ id: chief.id }, helper), tooWide);
  const endSessions = (userId: string) =>
    request(world.bus, SessionService.method.signOutEverywhere, { userId, context: helper }, { timeoutMs: 10_000 });
  await assert.rejects(endSessions(chief.id), tooWide);
  await endSessions(clerk.id);
  await assert.rejects(people.updateUser({ id: clerk.id, groups: ['admin'] }, ['groups'], helper), tooWide);
  await assert.rejects(people.addMember({ name: 'operator', userId: clerk.id }, helper), tooWide);
  await assert.rejects(people.removeMember({ name: 'admin', userId: chief.id }, helper), tooWide);
  const user = { name: 'puppet', email: 'puppet@example.com', groups: ['admin'] };
  await assert.rejects(people.createUser({ user }, helper), tooWide);
  await assert.rejects(people.invite({ email: 'puppet@example.com', groups: ['operator'] }, helper), tooWide);
  await people.updateUser({ id: clerk.id, name: 'clerk2', groups: [] }, ['name', 'groups'], helper);
  await people.addMember({ name: 'viewer', userId: clerk.id }, helper);
  const reader = { principal: holderOf('users:read') };
  await assert.rejects(people.removeUser(clerk.id, reader), withCode('PERMISSION_DENIED'));
  const within = { principal: { ...holderOf('users:admin'), group: 'blue' } };
  await assert.rejects(people.removeUser(clerk.id, within), withCode('PERMISSION_DENIED'));
});

test('who is made without a password is asked by mail to choose one, and a changed address voids what was sent to the old one', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const people = peopleClient(world.bus);
  const mails = await keepMails(world);
  const { user: anna } = await people.createUser({
    user: { name: 'anna', email: 'anna@example.com', groups: ['viewer'] },
  });
  assert.equal(anna?.hasPassword, false);
  const [mail] = await mails('invitation');
  assert.equal(mail?.to, 'anna@example.com');
  const token = mail?.values['token'] ?? '';
  const { user: ready } = await people.accept({ token, password: 'correct horse 7 battery' });
  assert.deepEqual([ready?.id, ready?.name, ready?.hasPassword], [anna?.id, 'anna', true]);
  assert.ok(ready?.emailVerifiedAt);

  const { user: ben } = await people.createUser({ user: { name: 'ben', email: 'ben@example.com' } });
  await people.updateUser({ id: ben?.id ?? '', email: 'ben@example.net' }, ['email']);
  const old = (await mails('invitation')).at(-1)?.values['token'] ?? '';
  await assert.rejects(
    people.accept({ token: old, password: 'correct horse 7 battery' }),
    withCode('INVITATION_INVALID'),
  );
  assert.deepEqual(
    (await mails('email-changed')).map(({ to }) => to),
    ['ben@example.com'],
  );

  const { method } = AccountService;
  await request(world.bus, method.forgotPassword, { context: {}, email: 'ANNA@example.com' }, { timeoutMs: 10_000 });
  const [reset] = await eventually(async () => {
    const found = await mails('reset-password');
    return found.length > 0 && found;
  });
  assert.equal(reset?.to, 'anna@example.com', 'to the address as the account has it');
  await people.updateUser({ id: anna?.id ?? '', email: 'anna@example.net' }, ['email']);
  const question = { context: {}, token: reset?.values['token'] ?? '', password: 'another horse 7 battery' };
  await assert.rejects(
    request(world.bus, method.resetPassword, question, { timeoutMs: 10_000 }),
    withCode('MAIL_TOKEN_INVALID'),
  );
});

test('passwords and tokens are nowhere in the tables, answers that are kept, audit log or log', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const people = peopleClient(world.bus);
  const mails = await keepMails(world);
  const password = 'planted-secret-1-of-anna';
  await people.createUser({ user: { name: 'anna', email: 'a@example.com' }, password });
  await people.createUser({ user: { name: 'ben', email: 'b@example.com' } });
  const token = (await mails('invitation'))[0]?.values['token'] ?? assert.fail();
  await people.accept({ token, password: 'planted-secret-2-of-ben' }, { operationId: crypto.randomUUID() });
  const database = await world.database();
  const tables = ['users', 'invitations', 'audit_entries', 'given_answers', 'access_facts', 'outbox'];
  for (const table of tables) {
    const text = JSON.stringify(await database.query(`SELECT * FROM ${table}`));
    assert.ok(!text.includes('planted-secret') && !text.includes(token), table);
    if (table !== 'users') assert.ok(!text.includes('argon2'), table);
  }
  assert.ok(!world.logged().includes('planted-secret') && !world.logged().includes(token));
});
