import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import type { OpenAccess } from '@berth/access';
import { type SessionTokens, streams } from '@berth/contracts';
import { Outbox } from '@berth/messaging';
import { eventually, ownNats, type TestScope } from '@berth/testing';
import { Vault } from '@berth/vault';
import { generateKeyPair, SignJWT } from 'jose';
import { TokenKeyring } from '../src/adapters/crypto/token-keyring.ts';
import { PostgresAuthTransactions } from '../src/adapters/postgres/auth-transactions.ts';
import { berthItself } from '../src/app/asker.ts';
import { signOut } from '../src/app/sessions/end-sessions.ts';
import { userFact } from '../src/domain/access-facts.ts';
import { forEver, inGroups, type User, withoutSessions } from '../src/domain/users/user.ts';
import { addUser, aWayIn, headerOf, payloadOf, refusalOf, sessionClient } from './support/sessions.ts';
import { client, masterKey, newWorld, type World } from './support/world.ts';

const secondMs = 1_000;

/** Waits until all refuse the token so; gives how many milliseconds that took. */
async function untilRefused(
  ways: readonly OpenAccess[],
  tokens: SessionTokens,
  code = 'TOKEN_REVOKED',
): Promise<number> {
  const begun = performance.now();
  await eventually(async () => {
    const refusals = await Promise.all(ways.map((way) => refusalOf(way, tokens)));
    return refusals.every((refusal) => refusal === code);
  });
  return performance.now() - begun;
}

/** Transactions of auth whose notices after the commit are lost. */
async function transactionsOf(t: TestScope, world: World): Promise<PostgresAuthTransactions> {
  const database = await world.database();
  const vault = new Vault([masterKey]);
  const lifetimes = { accessSeconds: 900, refreshSeconds: 900 };
  const keyring = new TokenKeyring({ vault, issuer: '', audience: '', lifetimes });
  const outbox = new Outbox({ database, bus: world.bus, streams: [streams.events] });
  t.after(() => outbox.stop());
  return new PostgresAuthTransactions({
    ...{ outbox, vault, keyring, factsChanged: () => {}, audited: () => {}, mailsWait: () => {} },
  });
}

/** Changes a user and tells of it, as bans and changes of groups do. */
async function changeUser(t: TestScope, world: World, id: string, change: (user: User) => User): Promise<void> {
  const transactions = await transactionsOf(t, world);
  await transactions.run(berthItself, async ({ users, tell, now }) => {
    const user = await users.byId(id);
    assert.ok(user);
    tell(userFact(await users.save(change(user)), now));
  });
}

test('every way in sees a sign-out within a second, and a ban too when its notice is lost', async (t) => {
  const world = await newWorld(t);
  await Promise.all([world.replica(), world.replica()]);
  const id = await addUser(world);
  const ways = await Promise.all([aWayIn(t, world), aWayIn(t, world)]);
  const api = sessionClient(world.bus);
  const [one, two] = [await api.signIn(), await api.signIn()];
  for (const way of ways)
    assert.deepEqual([await refusalOf(way, one), await refusalOf(way, two)], [undefined, undefined]);
  await api.signOut(one);
  assert.ok((await untilRefused(ways, one)) < secondMs);
  for (const way of ways) assert.equal(await refusalOf(way, two), undefined);
  await changeUser(t, world, id, (user) => withoutSessions({ ...user, bannedUntil: forEver, banReason: 'spam' }));
  assert.ok((await untilRefused(ways, two)) < secondMs);
});

test('a change of groups is true for tokens that were made before it', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const id = await addUser(world);
  const { authenticator } = await aWayIn(t, world);
  const tokens = await sessionClient(world.bus).signIn();
  assert.ok((await authenticator.principalOf(tokens.accessToken, '127.0.0.1')).permissions.includes('vms:read'));
  await changeUser(t, world, id, (user) => inGroups(user, ['admin']));
  const principal = await eventually(async () => {
    const now = await authenticator.principalOf(tokens.accessToken, '127.0.0.1');
    return now.permissions.includes('*') && now;
  });
  assert.deepEqual([principal.permissions, principal.group], [['*'], '']);
});

test('over a NATS restart tokens are refused as long as revocations cannot be seen, and then as they have to be', async (t) => {
  const nats = await ownNats(t);
  const world = await newWorld(t, nats.url);
  await world.replica();
  const id = await addUser(world);
  const way = await aWayIn(t, world);
  const api = sessionClient(world.bus);
  const [kept, revoked] = [await api.signIn(), await api.signIn()];
  assert.equal(await refusalOf(way, revoked), undefined);
  await nats.kill();
  await untilRefused([way], kept, 'ACCESS_STATE_STALE');
  const transactions = await transactionsOf(t, world);
  await transactions.run(berthItself, (transaction) => signOut(transaction, id, String(payloadOf(revoked)['sid'])));
  await nats.start();
  const seen = new Set<string | undefined>();
  await eventually(async () => {
    const refusal = await refusalOf(way, revoked);
    seen.add(refusal);
    return refusal === 'TOKEN_REVOKED';
  });
  assert.ok(!seen.has(undefined), 'it was let in between');
  assert.equal(await refusalOf(way, kept), undefined);
});

test('a silent auth makes tokens unverifiable within seconds; restarted, everything remembers what was revoked', async (t) => {
  const world = await newWorld(t);
  const stop = await world.replica();
  await addUser(world);
  const way = await aWayIn(t, world);
  const api = sessionClient(world.bus);
  const [kept, revoked] = [await api.signIn(), await api.signIn()];
  await api.signOut(revoked);
  await stop();
  assert.ok((await untilRefused([way], kept, 'ACCESS_STATE_STALE')) < 4 * secondMs);
  await world.replica();
  for (const someWay of [way, await aWayIn(t, world)]) {
    await eventually(() => someWay.isCurrent());
    assert.equal(await refusalOf(someWay, revoked), 'TOKEN_REVOKED');
    assert.equal(await refusalOf(someWay, kept), undefined);
  }
});

test('a key that ends while nobody can hear of it lets nobody in for longer than a token would, nor when auth is back', async (t) => {
  const world = await newWorld(t);
  const stop = await world.replica();
  const { secret } = await client(world.bus).create();
  const { authenticator } = await aWayIn(t, world);
  const outcome = () =>
    authenticator.principalOf(secret, '127.0.0.1').then(
      () => 'let in',
      ({ code }) => code,
    );
  assert.equal(await outcome(), 'let in');
  await stop();
  await (await world.database()).execute(
    "UPDATE api_keys SET ended_at = now(), ended = 'deleted' WHERE origin = 'created'",
  );
  const begun = performance.now();
  await eventually(async () => (await outcome()) === 'SERVICE_UNAVAILABLE');
  assert.ok(performance.now() - begun < 4 * secondMs);
  await world.replica();
  const seen = new Set<string>();
  await eventually(async () => seen.add(await outcome()).has('API_KEY_INVALID'));
  assert.ok(!seen.has('let in'));
});

test('a clock that was an hour ahead for a while lets no revoked token in when it is set right', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  await addUser(world);
  const way = await aWayIn(t, world);
  const api = sessionClient(world.bus);
  const [kept, revoked] = [await api.signIn(), await api.signIn()];
  const session = String(payloadOf(revoked)['sid']);
  await api.signOut(revoked);
  await untilRefused([way], revoked);
  const rightMs = Date.now();
  t.mock.timers.enable({ apis: ['Date'], now: rightMs + 3_600_000 });
  const { position } = way.state;
  await eventually(() => {
    t.mock.timers.setTime(rightMs);
    const isDropped = !way.state.hasEnded(session);
    if (!isDropped) t.mock.timers.setTime(rightMs + 3_600_000);
    return isDropped;
  });
  assert.equal(await refusalOf(way, revoked), 'ACCESS_STATE_STALE');
  await eventually(() => way.isCurrent());
  assert.equal(await refusalOf(way, revoked), 'TOKEN_REVOKED');
  assert.equal(await refusalOf(way, kept), undefined);
  assert.equal(way.state.position, position);
});

test('whose clock is further behind than facts are kept takes no token, and says why; once it is right they are taken again', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  await addUser(world);
  const way = await aWayIn(t, world);
  const tokens = await sessionClient(world.bus).signIn();
  const rightMs = Date.now();
  t.mock.timers.enable({ apis: ['Date'], now: rightMs - 400_000 });
  assert.equal(await refusalOf(way, tokens), 'ACCESS_STATE_STALE', 'at once, before auth was asked');
  const behind = await aWayIn(t, world, { isCurrent: false });
  await eventually(() => behind.state.position === way.state.position);
  for (const one of [way, behind]) assert.equal(await refusalOf(one, tokens), 'ACCESS_STATE_STALE');
  t.mock.timers.setTime(rightMs - 200_000);
  for (const one of [way, behind]) await eventually(async () => (await refusalOf(one, tokens)) === undefined);
});

test('a machine that slept does not count as one that has heard of auth just now', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const way = await aWayIn(t, world);
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 60_000 });
  assert.equal(way.isCurrent(), false);
  await eventually(() => way.isCurrent());
});

test('keys rotate without anybody being signed out; a leaked one ends its tokens, and refreshing goes on', async (t) => {
  const world = await newWorld(t);
  await Promise.all([world.replica(), world.replica()]);
  await addUser(world);
  const ways = await Promise.all([aWayIn(t, world), aWayIn(t, world)]);
  const api = sessionClient(world.bus);
  const before = await api.signIn();
  const { signingKey } = await api.rotateKeys();
  assert.equal((await api.rotateKeys()).signingKey?.id, signingKey?.id, 'one key waits at a time');
  // In use all the time: no token is ever unknown to a way in, whichever key signed it.
  const rotated = await eventually(async () => {
    const tokens = await api.signIn();
    for (const way of ways) assert.equal(await refusalOf(way, tokens), undefined);
    return headerOf(tokens)['kid'] === signingKey?.id && tokens;
  });
  for (const way of ways) assert.equal(await refusalOf(way, before), undefined);
  assert.equal(ways[0]?.state.publicKeys().length, 2);
  await api.removeKey(signingKey?.id ?? '');
  await untilRefused(ways, rotated);
  for (const way of ways) assert.equal(await refusalOf(way, before), undefined);
  const fresh = await api.refresh(rotated);
  assert.ok(![signingKey?.id, headerOf(before)['kid']].includes(String(headerOf(fresh)['kid'])));
  for (const way of ways) await eventually(async () => (await refusalOf(way, fresh)) === undefined);
  assert.deepEqual(
    (await api.keys()).map(({ signing }) => signing),
    [true, false],
  );
  const database = await world.database();
  const texts = await database.query<{ text: string }>(
    "SELECT public_jwk::text || encode(sealed_key, 'escape') AS text FROM signing_keys",
  );
  for (const { text } of texts) assert.ok(!text.includes('"d"'), 'the secret part is stored in the clear');
});

test('foreign, unsigned, misdirected and expired tokens are refused', async (t) => {
  const world = await newWorld(t);
  await world.replica({ sessions: { lifetimes: { accessSeconds: 1, refreshSeconds: 900 } } });
  await addUser(world);
  const way = await aWayIn(t, world);
  const tokens = await sessionClient(world.bus).signIn();
  assert.equal(await refusalOf(way, tokens), undefined);
  const [header = '', payload = '', signature = ''] = tokens.accessToken.split('.');
  const kid = String(headerOf(tokens)['kid']);
  const foreign = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
  const sign = (claims: object, protectedHeader: object = {}) =>
    new SignJWT({ ...payloadOf(tokens), exp: Math.floor(Date.now() / 1_000) + 900, ...claims })
      .setProtectedHeader({ alg: 'EdDSA', kid, typ: 'at+jwt', ...protectedHeader })
      .sign(foreign.privateKey);
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const [publicKey] = way.state.publicKeys() as { x: string }[];
  const symmetric = `${encode({ alg: 'HS256', kid, typ: 'at+jwt' })}.${payload}`;
  const forged = [
    await sign({}),
    await sign({}, { kid: 'unknown' }),
    `${encode({ alg: 'none', kid, typ: 'at+jwt' })}.${payload}.`,
    `${symmetric}.${createHmac('sha256', publicKey?.x ?? '')
      .update(symmetric)
      .digest('base64url')}`,
    `${header}.${encode({ ...payloadOf(tokens), groups: ['admin'] })}.${signature}`,
    `${header}.${payload}.`,
    'eyJ.x.y',
  ];
  for (const accessToken of forged) {
    assert.equal(await refusalOf(way, { ...tokens, accessToken }), 'TOKEN_INVALID', accessToken);
  }
  await untilRefused([way], tokens, 'TOKEN_EXPIRED');
});

test('a token for another audience, or of another issuer, is refused although the key is the same', async (t) => {
  const world = await newWorld(t);
  await world.replica({ sessions: { audience: 'somebody-else' } });
  await addUser(world);
  const way = await aWayIn(t, world);
  assert.equal(await refusalOf(way, await sessionClient(world.bus).signIn()), 'TOKEN_INVALID');
});
