import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestScope } from '@berth/testing';
import { aUser, groupsOf, identityClient } from './support/identity-client.ts';
import { type Accounts, clientSecret, openIdProvider, redirectUri } from './support/openid-provider.ts';
import { newWorld, withCode } from './support/world.ts';

/** Two replicas, and an OpenID provider that they know as `corp`. */
async function signInWorld(t: TestScope, accounts: Accounts, terms: object = { newUsers: true }) {
  const world = await newWorld(t);
  await world.replica({ providersOnPrivateNetworks: true });
  await world.replica({ providersOnPrivateNetworks: true });
  const corp = await openIdProvider(t, accounts);
  const api = identityClient(world.bus);
  await api.createProvider('corp', { issuer: corp.issuer, ...terms });
  const answerOf = async (login: string) => {
    const { authorizationUrl, attempt } = await api.start('corp');
    return { attempt, ...(await corp.visit(authorizationUrl, login)) };
  };
  return {
    ...{ world, corp, api, answerOf },
    signIn: async (login: string) => api.finish('corp', await answerOf(login)),
    database: await world.database(),
  };
}

const alice = { email: 'alice@corp.example', email_verified: true, preferred_username: 'alice' };

test('who is new gets an account with a free name, and is the same user the next time; no secret is kept or logged', async (t) => {
  const { world, api, answerOf, database } = await signInWorld(t, { alice });
  await aUser(database, { name: 'Alice' });
  const answer = await answerOf('alice');
  assert.equal((await api.offered()).providers[0]?.name, 'corp');
  const { tokens: first } = await api.finish('corp', answer);
  assert.ok(first?.accessToken && first.refreshToken && first.accessSeconds > 0);
  const second = await answerOf('alice');
  await api.finish('corp', second);
  const users = await database.query(
    'SELECT name, email, email_verified_at IS NOT NULL AS verified FROM users ORDER BY name',
  );
  assert.deepEqual(users, [
    { name: 'Alice', email: null, verified: true },
    { name: 'alice-2', email: 'alice@corp.example', verified: true },
  ]);
  const tables = ['identity_providers', 'identity_attempts', 'identities', 'given_answers', 'audit_entries'];
  const kept = JSON.stringify(
    await Promise.all(tables.map((table) => database.query(`SELECT t::text FROM ${table} t`))),
  );
  assert.ok(kept.includes('alice-2'), 'the look at the tables finds something');
  for (const secret of [clientSecret, first.accessToken, answer.attempt, 'code' in answer ? answer.code : '-']) {
    assert.ok(!kept.includes(String(secret)) && !world.logged().includes(String(secret)));
  }
});

test('an answer works once: of two callbacks at once one wins, and later ones are refused', async (t) => {
  const { api, answerOf, database } = await signInWorld(t, { alice });
  const answer = await answerOf('alice');
  const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => api.finish('corp', answer)));
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  await assert.rejects(api.finish('corp', answer), withCode('IDENTITY_ATTEMPT_INVALID'));
  const { attempt } = await api.start('corp');
  await assert.rejects(api.finish('corp', { ...answer, attempt }), withCode('IDENTITY_REFUSED')); // its state is another
  const fresh = await answerOf('alice');
  await database.execute("UPDATE identity_attempts SET expires_at = now() - interval '1 second'");
  await assert.rejects(api.finish('corp', fresh), withCode('IDENTITY_ATTEMPT_INVALID'));
});

test('somebody new who comes twice at once is one user', async (t) => {
  const { api, answerOf, database } = await signInWorld(t, { alice });
  const answers = await Promise.all(Array.from({ length: 4 }, () => answerOf('alice')));
  await Promise.all(answers.map((answer) => api.finish('corp', answer)));
  assert.deepEqual(await database.query('SELECT name FROM users'), [{ name: 'alice' }]);
  assert.equal((await database.query('SELECT id FROM identities')).length, 1);
});

test('four new people with one name at once get four names', async (t) => {
  const logins = ['a1', 'a2', 'a3', 'a4'];
  const accounts = Object.fromEntries(logins.map((login) => [login, { preferred_username: 'sam' }]));
  const { api, answerOf, database } = await signInWorld(t, accounts);
  const answers = await Promise.all(logins.map(answerOf));
  const outcomes = await Promise.allSettled(answers.map((answer) => api.finish('corp', answer)));
  const names = await database.query<{ name: string }>('SELECT name FROM users');
  assert.equal(new Set(names.map(({ name }) => name)).size, names.length);
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 4);
});

test('a redirect URI is taken letter by letter', async (t) => {
  const { api } = await signInWorld(t, {});
  for (const other of [
    `${redirectUri}/`,
    `${redirectUri}?x=1`,
    'https://app.example.evil/signed-in',
    '',
    'HTTPS://app.example/signed-in',
  ]) {
    await assert.rejects(api.start('corp', other), withCode('IDENTITY_REDIRECT_NOT_ALLOWED'), other);
  }
  await assert.rejects(api.start('nobody'), withCode('IDENTITY_PROVIDER_NOT_FOUND'));
  await api.changeProvider('corp', { enabled: false }, ['enabled']);
  await assert.rejects(api.start('corp'), withCode('IDENTITY_PROVIDER_NOT_FOUND'));
  assert.deepEqual((await api.offered()).providers, []);
});

test('an address does not find an account: who has one signs in and links', async (t) => {
  const bob = { email: 'Bob@Corp.example', email_verified: true };
  const { api, signIn, answerOf, database, corp } = await signInWorld(t, {
    alice,
    bob,
    eve: { ...bob, email_verified: false },
  });
  const id = await aUser(database, { name: 'bob', email: 'bob@corp.example', password: 'hash' });
  await assert.rejects(signIn('bob'), withCode('ACCOUNT_EXISTS'));
  await signIn('eve'); // says the same address, unverified: another account without it
  assert.deepEqual(await database.query("SELECT email FROM users WHERE name = 'user'"), [{ email: null }]);
  const { authorizationUrl, attempt } = await api.startLink('corp', id);
  const answer = { attempt, ...(await corp.visit(authorizationUrl, 'bob')) };
  await api.finishLink('corp', id, answer);
  await signIn('bob');
  assert.equal((await api.identities(id)).identities[0]?.label, 'Bob@Corp.example');
  await database.execute("UPDATE users SET banned_until = now() + interval '1 day', ban_reason = 'x' WHERE id = $1", [
    id,
  ]);
  await assert.rejects(signIn('bob'), withCode('USER_BANNED'));
  await assert.rejects(api.finishLink('corp', id, await answerOf('alice')), withCode('IDENTITY_ATTEMPT_INVALID'));
});

test('a provider lets in whom its admin wants', async (t) => {
  const { api, signIn, database } = await signInWorld(t, { alice, carl: { preferred_username: 'carl' } }, {});
  await assert.rejects(signIn('alice'), withCode('IDENTITY_UNKNOWN'));
  assert.deepEqual(
    await database.query("SELECT result FROM audit_entries WHERE action = 'identity_provider.sign_in_refused'"),
    [{ result: 'IDENTITY_UNKNOWN' }],
  );
  await api.changeProvider('corp', { newUsers: true, emailDomains: ['other.example'] }, ['new_users', 'email_domains']);
  await assert.rejects(signIn('alice'), withCode('IDENTITY_NOT_ALLOWED'));
  await api.changeProvider('corp', { emailDomains: ['corp.example'] }, ['email_domains']);
  await assert.rejects(signIn('carl'), withCode('IDENTITY_NOT_ALLOWED'));
  await signIn('alice');
  assert.deepEqual(await database.query('SELECT name FROM users'), [{ name: 'alice' }]);
});

test('mapped groups follow the claim at each sign-in, others stay, and the last admin stays one', async (t) => {
  const accounts: Accounts = { alice: { ...alice, groups: ['ops', 'root', 'unmapped'] } };
  const terms = {
    newUsers: true,
    groupClaim: 'groups',
    claimGroups: [
      { value: 'ops', group: 'operator' },
      { value: 'root', group: 'admin' },
    ],
    scopes: ['openid', 'email', 'profile', 'groups'],
  };
  const { signIn, database } = await signInWorld(t, accounts, terms);
  await signIn('alice');
  assert.deepEqual(await groupsOf(database, 'alice'), ['admin', 'operator']);
  await database.execute("INSERT INTO memberships (user_id, group_name) SELECT id, 'viewer' FROM users");
  accounts['alice'] = { ...alice, groups: [] };
  await signIn('alice');
  assert.deepEqual(await groupsOf(database, 'alice'), ['admin', 'viewer'], 'nobody else is an admin');
  await aUser(database, { name: 'root', groups: ['admin'] });
  await signIn('alice');
  assert.deepEqual(await groupsOf(database, 'alice'), ['viewer']);
  accounts['alice'] = { ...alice, groups: 'ops' };
  await signIn('alice');
  assert.deepEqual(await groupsOf(database, 'alice'), ['operator', 'viewer']);
  const facts = await database.query(
    "SELECT DISTINCT kind FROM access_facts WHERE kind IN ('user', 'api-keys-of') ORDER BY kind",
  );
  assert.deepEqual(facts, [{ kind: 'api-keys-of' }, { kind: 'user' }]);
});

test('an identity belongs to one account, a link to who began it, and a repeat is answered as before', async (t) => {
  const { api, corp, signIn, database } = await signInWorld(t, { alice });
  const ids = [
    await aUser(database, { name: 'one', email: 'one@x.example', password: 'h' }),
    await aUser(database, { name: 'two' }),
  ];
  const [one = '', two = ''] = ids;
  const linked = async (userId: string) => {
    const { authorizationUrl, attempt } = await api.startLink('corp', userId);
    return { attempt, ...(await corp.visit(authorizationUrl, 'alice')) };
  };
  await assert.rejects(api.finishLink('corp', two, await linked(one)), withCode('IDENTITY_ATTEMPT_INVALID'));
  await assert.rejects(api.finish('corp', await linked(one)), withCode('IDENTITY_ATTEMPT_INVALID'));
  const answer = await linked(one);
  const first = await api.finishLink('corp', one, answer, 'operation-1');
  assert.deepEqual(await api.finishLink('corp', one, answer, 'operation-1'), first);
  await assert.rejects(api.finishLink('corp', one, answer), withCode('IDENTITY_ATTEMPT_INVALID'));
  await assert.rejects(api.finishLink('corp', two, await linked(two)), withCode('IDENTITY_TAKEN'));
  await signIn('alice');
  assert.deepEqual(await database.query('SELECT name FROM users ORDER BY name'), [{ name: 'one' }, { name: 'two' }]);
  assert.deepEqual(await database.query('SELECT template, recipient FROM mails'), [
    { template: 'profile-changed', recipient: 'one@x.example' },
  ]);
});

test('the last way to sign in stays, also when two are taken off at once', async (t) => {
  const { api, corp, signIn, database } = await signInWorld(t, { alice, alice2: {} });
  await signIn('alice');
  const [user] = await database.query<{ id: string }>('SELECT id FROM users');
  const id = user?.id ?? '';
  const [only] = (await api.identities(id)).identities;
  await assert.rejects(api.unlink(id, only?.id ?? ''), withCode('LAST_SIGN_IN_WAY'));
  await assert.rejects(api.removeProvider('corp'), withCode('IDENTITY_PROVIDER_IN_USE'));
  const { authorizationUrl, attempt } = await api.startLink('corp', id);
  await api.finishLink('corp', id, { attempt, ...(await corp.visit(authorizationUrl, 'alice2')) });
  const { identities } = await api.identities(id);
  const outcomes = await Promise.allSettled(identities.map((identity) => api.unlink(id, identity.id)));
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  assert.equal((await api.identities(id)).identities.length, 1);
  const other = await aUser(database, { name: 'other', password: 'h' });
  const [left] = (await api.identities(id)).identities;
  await assert.rejects(api.unlink(other, left?.id ?? ''), withCode('IDENTITY_NOT_FOUND'));
  await database.execute("UPDATE users SET password_hash = 'h' WHERE id = $1", [id]);
  await api.unlink(id, left?.id ?? '');
  await api.removeProvider('corp');
});

test('nobody is shut out when an admin removes one provider while a user takes off the identity at another', async (t) => {
  const { api, database } = await signInWorld(t, {});
  for (const round of [1, 2, 3, 4, 5]) {
    const other = `other-${round}`;
    const redirectUris = [`https://app.example/${other}`];
    await api.createProvider(other, { issuer: 'https://login.example', redirectUris });
    const user = await aUser(database, { name: `user-${round}` });
    await database.execute(
      "INSERT INTO identities (provider, subject, user_id, label) SELECT unnest($1::text[]), $2, $2, ''",
      [['corp', other], user],
    );
    const atCorp = (await api.identities(user)).identities.find(({ provider }) => provider === 'corp');
    const outcomes = await Promise.allSettled([api.unlink(user, atCorp?.id ?? ''), api.removeProvider(other)]);
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1, `round ${round}`);
    assert.equal((await api.identities(user)).identities.length, 1);
  }
});
