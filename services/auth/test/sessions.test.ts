import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { eventually } from '@berth/testing';
import { Argon2Hasher } from '../src/adapters/crypto/argon2-hasher.ts';
import { addUser, aWayIn, password, payloadOf, refusalOf, sessionClient } from './support/sessions.ts';
import { admin, newWorld, testSessions, withCode } from './support/world.ts';

test('a user signs in with name or e-mail address, and the token says who it is', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const id = await addUser(world, { groups: ['operator', 'viewer'] });
  const { authenticator } = await aWayIn(t, world);
  for (const login of ['ADA', 'Ada@Example.test']) {
    const tokens = await sessionClient(world.bus).signIn(login);
    const principal = await authenticator.principalOf(tokens.accessToken, '127.0.0.1');
    assert.deepEqual([principal.id, principal.userId, principal.kind, principal.name], [id, id, 'user', 'ada']);
    assert.ok(principal.group === '' && principal.permissions.includes('vms:write'));
    const { iss, aud, sub, jti, sid, pv, sv, groups, iat, exp } = payloadOf(tokens);
    assert.deepEqual(
      { iss, aud, sub, pv, sv, groups },
      {
        ...{ iss: 'http://berth.test', aud: 'berth', sub: id, pv: 1, sv: 1, groups: ['operator', 'viewer'] },
      },
    );
    assert.equal(principal.sessionId, sid);
    assert.ok(typeof jti === 'string' && Number(exp) - Number(iat) === 900);
  }
});

test('an unknown name, a wrong password and a user without one are refused alike, and a ban shows only after the right one', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  await addUser(world);
  await addUser(world, { name: 'eve', hash: null });
  const banned = await addUser(world, { name: 'mallory' });
  const database = await world.database();
  await database.execute(
    "UPDATE users SET banned_until = now() + interval '1 hour', ban_reason = 'spam' WHERE id = $1",
    [banned],
  );
  const api = sessionClient(world.bus);
  const texts = new Set<string>();
  for (const [login, secret] of [
    ['ada', 'wrong'],
    ['nobody', password],
    ['eve', password],
    ['mallory', 'wrong'],
    ['', ''],
  ] as const) {
    await assert.rejects(
      api.signIn(login, secret),
      (error: Error & { code: string }) => texts.add(`${error.code} ${error.message}`) !== undefined,
    );
  }
  assert.deepEqual([...texts], ['SIGN_IN_REFUSED The name or the password is not right.']);
  await assert.rejects(api.signIn('mallory'), withCode('USER_BANNED'));
  const [{ count = 0 } = {}] = await database.query<{ count: number }>(
    'SELECT count(*)::integer AS count FROM sessions',
  );
  assert.equal(count, 0);
  assert.ok(!world.logged().includes(password));
});

test('a wrong password is refused without a lock on whose it is, so that no time tells of the user', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const id = await addUser(world);
  const database = await world.database();
  const api = sessionClient(world.bus);
  await database.transaction(async (sql) => {
    await sql.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [id]);
    for (const login of ['ada', 'ada@example.test']) {
      await assert.rejects(api.signIn(login, 'wrong'), withCode('SIGN_IN_REFUSED'));
    }
  });
  await api.signIn();
});

test('of many tries at once over two replicas only so many are looked at; the right password frees the name', async (t) => {
  const world = await newWorld(t);
  const signIn = { failures: 5, failuresOfAddress: 12, windowSeconds: 900 };
  await Promise.all([world.replica({ sessions: { signIn } }), world.replica({ sessions: { signIn } })]);
  await addUser(world);
  const api = sessionClient(world.bus);
  for (let i = 0; i < 4; i++) await assert.rejects(api.signIn('ada', 'wrong'), withCode('SIGN_IN_REFUSED'));
  await api.signIn();
  const codes = await Promise.all(
    Array.from({ length: 10 }, () => api.signIn('ada', 'wrong').catch((error) => error.code)),
  );
  assert.equal(codes.filter((code) => code === 'SIGN_IN_REFUSED').length, 5);
  assert.equal(codes.filter((code) => code === 'SIGN_IN_LIMITED').length, 5);
  await assert.rejects(api.signIn(), withCode('SIGN_IN_LIMITED'));
  await api.signIn('ada', password, { clientAddress: '198.51.100.9' }); // elsewhere the name is free
  await assert.rejects(api.signIn('other'), withCode('SIGN_IN_LIMITED')); // the address has had its share
});

test('a password whose hash is of older parameters is hashed anew at the next sign-in', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const old = await new Argon2Hasher({ ...testSessions.hashing, passes: 3 }).hash(password);
  const id = await addUser(world, { hash: old });
  await sessionClient(world.bus).signIn();
  await sessionClient(world.bus).signIn();
  const database = await world.database();
  const [row] = await database.query<{ password_hash: string }>('SELECT password_hash FROM users WHERE id = $1', [id]);
  assert.match(row?.password_hash ?? '', /m=64,t=1,p=1/);
});

test('of 20 refreshes at once over two replicas one wins, the session ends, and the winner’s tokens with it', async (t) => {
  const world = await newWorld(t);
  await Promise.all([world.replica(), world.replica()]);
  const userId = await addUser(world);
  const way = await aWayIn(t, world);
  const api = sessionClient(world.bus);
  const [stolen, other] = [await api.signIn(), await api.signIn()];
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => api.refresh(stolen)));
  const won = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const codes = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.code] : []));
  assert.equal(won.length, 1);
  assert.equal(codes.filter((code) => code === 'REFRESH_TOKEN_REUSED').length, 1);
  assert.equal(codes.filter((code) => code === 'REFRESH_TOKEN_INVALID').length, 18);
  for (const tokens of [stolen, ...won]) {
    await eventually(async () => (await refusalOf(way, tokens)) === 'TOKEN_REVOKED');
    await assert.rejects(api.refresh(tokens), withCode('REFRESH_TOKEN_INVALID'));
  }
  assert.equal(await refusalOf(way, other), undefined, 'other sessions of the user go on');
  await api.refresh(other);
  const database = await world.database();
  const mails = await database.query<{ template: string }>('SELECT template FROM mails WHERE user_id = $1', [userId]);
  assert.deepEqual(
    mails.map(({ template }) => template),
    ['tokens-reused'],
  );
  const events = await database.query("SELECT 1 FROM outbox WHERE subject LIKE '%session.reused%'");
  assert.equal(events.length, 1);
});

test('whoever lost the answer of a refresh gets another one for the same operation, until the first one was used', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  await addUser(world);
  const api = sessionClient(world.bus);
  const first = await api.signIn();
  const operation = randomUUID();
  const lost = await api.refresh(first, operation);
  const found = await api.refresh(first, operation);
  await assert.rejects(api.refresh(lost), withCode('REFRESH_TOKEN_INVALID'));
  await api.refresh(found);
  await assert.rejects(api.refresh(first, operation), withCode('REFRESH_TOKEN_REUSED'));
});

test('sessions are listed, ended one by one, all but one, and all at once; those of others are not found', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const userId = await addUser(world);
  await addUser(world, { name: 'bob' });
  const way = await aWayIn(t, world);
  const api = sessionClient(world.bus);
  const [one, two, three] = [await api.signIn(), await api.signIn(), await api.signIn()];
  const bob = await api.signIn('bob');
  const me = await way.authenticator.principalOf(one.accessToken, '127.0.0.1');
  const sid = (tokens: typeof one) => String(payloadOf(tokens)['sid']);
  assert.deepEqual(new Set((await api.list(me)).map(({ id }) => id)), new Set([one, two, three].map(sid)));
  assert.deepEqual(await api.list(admin, userId), await api.list(me));
  await assert.rejects(api.list(admin, randomUUID()), withCode('USER_NOT_FOUND'));
  const him = await way.authenticator.principalOf(bob.accessToken, '127.0.0.1');
  await assert.rejects(api.list(him, userId), withCode('PERMISSION_DENIED'));
  await assert.rejects(api.end(me, sid(bob)), withCode('SESSION_NOT_FOUND'));
  await api.end(me, sid(two));
  await eventually(async () => (await refusalOf(way, two)) === 'TOKEN_REVOKED');
  await assert.rejects(api.refresh(two), withCode('REFRESH_TOKEN_INVALID'));
  await api.end(me, '');
  await eventually(async () => (await refusalOf(way, three)) === 'TOKEN_REVOKED');
  assert.equal(await refusalOf(way, one), undefined);
  await api.signOutEverywhere(admin, userId);
  await eventually(async () => (await refusalOf(way, one)) === 'TOKEN_REVOKED');
  await assert.rejects(api.refresh(one), withCode('REFRESH_TOKEN_INVALID'));
  assert.equal(await refusalOf(way, bob), undefined);
  await assert.rejects(
    api.signOutEverywhere(await way.authenticator.principalOf(bob.accessToken, '127.0.0.1'), userId),
    withCode('PERMISSION_DENIED'),
  );
  await api.signIn();
});

test('tokens last as the user or the most generous group says, up to for ever, and then their end is known for ever', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const id = await addUser(world);
  const database = await world.database();
  await database.execute(
    "UPDATE groups SET access_token_seconds = 3600, refresh_token_seconds = 0 WHERE name = 'viewer'",
  );
  const api = sessionClient(world.bus);
  const long = await api.signIn();
  assert.deepEqual([long.accessSeconds, long.refreshSeconds, long.refreshExpiresAt], [3_600, 0, undefined]);
  await database.execute('UPDATE users SET access_token_seconds = 0 WHERE id = $1', [id]);
  const lasting = await api.refresh(long);
  assert.equal(payloadOf(lasting)['exp'], undefined);
  const way = await aWayIn(t, world);
  assert.equal(await refusalOf(way, lasting), undefined);
  await api.signOut(lasting);
  const [fact] = await database.query<{ until: string | null }>(
    "SELECT until FROM access_facts WHERE kind = 'session'",
  );
  assert.equal(fact?.until, null);
  await eventually(async () => (await refusalOf(way, lasting)) === 'TOKEN_REVOKED');
});

test('a sign-in from a new device is mailed, the first one and those from known ones are not', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  await addUser(world);
  const api = sessionClient(world.bus);
  await api.signIn();
  await api.signIn();
  const database = await world.database();
  const mails = () => database.query<{ template: string }>('SELECT template FROM mails');
  assert.deepEqual(await mails(), []);
  await api.signIn('ada', password, { userAgent: 'another' });
  assert.deepEqual(await mails(), [{ template: 'new-sign-in' }]);
});
