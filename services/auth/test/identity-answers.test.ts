import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestScope } from '@berth/testing';
import { guardedFetch } from '../src/adapters/providers/guarded-fetch.ts';
import { type Forgery, forgingProvider } from './support/forging-provider.ts';
import { identityClient } from './support/identity-client.ts';
import { clientSecret, listening, openIdProvider, redirectUri } from './support/openid-provider.ts';
import { plainProvider } from './support/plain-provider.ts';
import { admin, newWorld, principal, withCode } from './support/world.ts';

async function identityWorld(t: TestScope, providersOnPrivateNetworks = true) {
  const world = await newWorld(t);
  await world.replica({ providersOnPrivateNetworks });
  return { world, api: identityClient(world.bus) };
}

const now = () => Math.floor(Date.now() / 1_000);

const forgeries: Record<string, () => Forgery> = {
  'another issuer': () => ({ claims: { iss: 'https://accounts.example' } }),
  'another audience': () => ({ claims: { aud: 'somebody-else' } }),
  'an audience of several without a word to whom': () => ({ claims: { aud: ['berth', 'x'], azp: 'x' } }),
  'a time that is over': () => ({ claims: { iat: now() - 900, exp: now() - 600 } }),
  'another nonce': () => ({ claims: { nonce: 'another' } }),
  'no nonce': () => ({ claims: { nonce: undefined } }),
  'no subject': () => ({ claims: { sub: undefined } }),
  'a key that is not published': () => ({ signature: 'other key' }),
  'no signature': () => ({ signature: 'none' }),
};

test('an ID token with anything wrong in it signs nobody in', async (t) => {
  const { world, api } = await identityWorld(t);
  const { issuer, state } = await forgingProvider(t);
  await api.createProvider('evil', { issuer, newUsers: true });
  const answer = async (code: string, more: object = {}) => {
    const { authorizationUrl, attempt } = await api.start('evil');
    const asked = new URL(authorizationUrl).searchParams;
    state.nonces.set(code, asked.get('nonce') ?? '');
    return { attempt, code, state: asked.get('state') ?? '', ...more };
  };
  for (const [what, forgery] of Object.entries(forgeries)) {
    state.forgery = forgery();
    await assert.rejects(api.finish('evil', await answer(`code of ${what}`)), withCode('IDENTITY_REFUSED'), what);
  }
  state.forgery = {};
  for (const wrong of [{ state: 'another' }, { state: '' }, { iss: 'https://accounts.example' }]) {
    await assert.rejects(api.finish('evil', await answer('c', wrong)), withCode('IDENTITY_REFUSED'));
  }
  state.forgery = { status: 500 };
  await assert.rejects(api.finish('evil', await answer('d')), withCode('IDENTITY_PROVIDER_UNAVAILABLE'));
  const database = await world.database();
  assert.deepEqual(await database.query('SELECT id FROM users'), []);
  state.forgery = {};
  const { tokens } = await api.finish('evil', await answer('e')); // the same with nothing wrong
  assert.ok(tokens?.accessToken);
});

test('a discovery document of another issuer is not believed, and one that is away is asked again', async (t) => {
  const { api } = await identityWorld(t);
  const { issuer, state } = await forgingProvider(t);
  state.forgery = { issuer: 'https://accounts.example' };
  await api.createProvider('evil', { issuer });
  await assert.rejects(api.start('evil'), withCode('IDENTITY_REFUSED'));
  state.forgery = {};
  await api.start('evil');
});

test('the answer of one provider is not taken as that of another', async (t) => {
  const { api } = await identityWorld(t);
  const [honest, evil] = await Promise.all([openIdProvider(t, { alice: {} }), forgingProvider(t)]);
  await api.createProvider('honest', { issuer: honest.issuer, newUsers: true });
  const sharing = api.createProvider('evil', { issuer: evil.issuer, newUsers: true });
  await assert.rejects(sharing, withCode('IDENTITY_REDIRECT_TAKEN'));
  const elsewhere = 'https://app.example/from-evil';
  await api.createProvider('evil', { issuer: evil.issuer, newUsers: true, redirectUris: [elsewhere] });
  const begun = await api.start('honest');
  const came = await honest.visit(begun.authorizationUrl, 'alice');
  const mixed = await api.start('evil', elsewhere);
  await assert.rejects(
    api.finish('evil', { attempt: begun.attempt, ...came }),
    withCode('IDENTITY_ATTEMPT_INVALID'),
    'begun at the honest one',
  );
  const state = new URL(mixed.authorizationUrl).searchParams.get('state') ?? '';
  await assert.rejects(
    api.finish('evil', { attempt: mixed.attempt, code: came['code'] ?? '', iss: came['iss'] ?? '', state }),
    withCode('IDENTITY_REFUSED'),
    'the honest one names itself in the answer',
  );
  assert.ok(!evil.state.asked.includes('POST /token'), 'the honest one’s code never reaches the other');
});

test('GitHub: an id that is a number, and of the addresses the verified primary one', async (t) => {
  const { world, api } = await identityWorld(t);
  const pages: Record<string, unknown> = {
    '/user': { id: 583_231, login: 'octo-cat', email: 'public@anything.example', name: 'Octo' },
    '/emails': [
      { email: 'other@octo.example', primary: false, verified: true },
      { email: 'octo@octo.example', primary: true, verified: true },
    ],
  };
  const github = await plainProvider(t, pages);
  const endpoints = { ...github.endpoints, emails: `${github.origin}/emails` };
  await api.createProvider('github', { preset: 'github', endpoints, newUsers: true });
  const signIn = async () => {
    const { authorizationUrl, attempt } = await api.start('github');
    const answer = { attempt, ...github.authorize(authorizationUrl) };
    await api.finish('github', answer);
    return answer;
  };
  const answer = await signIn();
  const database = await world.database();
  const [identity] = await database.query('SELECT subject, label FROM identities');
  assert.deepEqual(identity, { subject: '583231', label: 'octo@octo.example' });
  assert.deepEqual(await database.query('SELECT name, email FROM users'), [
    { name: 'octo-cat', email: 'octo@octo.example' },
  ]);
  const { authorizationUrl, attempt } = await api.start('github');
  const state = new URL(authorizationUrl).searchParams.get('state') ?? '';
  await assert.rejects(
    api.finish('github', { attempt, code: answer.code, state }),
    withCode('IDENTITY_REFUSED'),
    'used',
  );
  pages['/user'] = { id: 1, login: 'second' };
  pages['/emails'] = [{ email: 'octo@octo.example', primary: true, verified: false }];
  await signIn();
  assert.deepEqual(await database.query("SELECT email FROM users WHERE name = 'second'"), [{ email: null }]);
});

test('X: the profile stands within data, and there is no address', async (t) => {
  const { world, api } = await identityWorld(t);
  const x = await plainProvider(t, { '/user': { data: { id: '99', name: 'Sam', username: 'sam_x' } } });
  await api.createProvider('x', { preset: 'x', endpoints: x.endpoints, newUsers: true });
  const { authorizationUrl, attempt } = await api.start('x');
  assert.equal(new URL(authorizationUrl).searchParams.get('scope'), 'users.read tweet.read');
  await api.finish('x', { attempt, ...x.authorize(authorizationUrl) });
  const database = await world.database();
  assert.deepEqual(await database.query('SELECT name, email FROM users'), [{ name: 'sam-x', email: null }]);
});

test('without the setting nothing of a private network is asked, whatever its name', async (t) => {
  const { api } = await identityWorld(t, false);
  let asked = 0;
  const { origin } = await listening(t, (_request, response) => {
    asked++;
    response.end('{}');
  });
  for (const issuer of [
    origin,
    'https://10.0.0.1',
    'https://[::1]',
    'https://169.254.169.254',
    'http://accounts.example',
    'https://[::ffff:127.0.0.1]',
  ]) {
    await assert.rejects(api.createProvider('inside', { issuer }), withCode('IDENTITY_PROVIDER_INPUT_INVALID'), issuer);
  }
  const named = origin.replace('127.0.0.1', 'localhost'); // judged when the name is looked up
  const fetch = guardedFetch({ onPrivateNetworks: false, timeoutMs: 1_000 });
  for (const address of [origin, named]) await assert.rejects(fetch(address), /private network/, address);
  assert.equal(asked, 0);
  assert.equal((await guardedFetch({ onPrivateNetworks: true, timeoutMs: 1_000 })(named)).status, 200);
});

test('an answer that is too large, a redirect and silence are the provider’s failures', async (t) => {
  const { api } = await identityWorld(t);
  let way: 'large' | 'redirect' | 'silence' = 'large';
  const { origin } = await listening(t, (_request, response) => {
    if (way === 'redirect') response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
    if (way === 'large')
      response.writeHead(200, { 'content-type': 'application/json' }).end(`"${'x'.repeat(2_000_000)}"`);
  });
  await api.createProvider('odd', { issuer: origin });
  for (way of ['large', 'redirect', 'silence'] as const) {
    await assert.rejects(api.start('odd'), withCode('IDENTITY_PROVIDER_UNAVAILABLE'), way);
  }
});

test('a client secret is sealed and never shown; changes count versions', async (t) => {
  const { world, api } = await identityWorld(t);
  const context = { principal: admin, operationId: 'made-1' };
  const { provider } = await api.createProvider('google', { preset: 'google' }, context);
  assert.deepEqual([provider?.hasClientSecret, provider?.version, provider?.terms?.clientSecret], [true, 1n, '']);
  assert.equal(provider?.terms?.issuer, 'https://accounts.google.com');
  assert.deepEqual((await api.createProvider('google', { preset: 'google' }, context)).provider, provider, 'a repeat');
  await assert.rejects(api.createProvider('google', { preset: 'google' }), withCode('IDENTITY_PROVIDER_EXISTS'));
  const renamed = await api.changeProvider('google', { displayName: 'G' }, ['display_name'], { ifVersion: 1n });
  assert.deepEqual([renamed.provider?.version, renamed.provider?.hasClientSecret], [2n, true]);
  const stale = api.changeProvider('google', { displayName: 'H' }, ['display_name'], { ifVersion: 1n });
  await assert.rejects(stale, withCode('VERSION_MISMATCH'));
  await assert.rejects(
    api.changeProvider('google', { issuer: 'https://evil.example' }, ['issuer']),
    withCode('IDENTITY_PROVIDER_INPUT_INVALID'),
  );
  const public_ = await api.changeProvider('google', {}, ['client_secret']);
  assert.equal(public_.provider?.hasClientSecret, false);
  const database = await world.database();
  const rows = JSON.stringify(
    await database.query(
      'SELECT p::text, a::text, g::text FROM identity_providers p, audit_entries a, given_answers g',
    ),
  );
  assert.ok(rows.includes('identity_provider.changed'));
  assert.ok(!rows.includes(clientSecret) && !rows.includes(Buffer.from(clientSecret).toString('hex')));
});

test('who may make providers gives groups only with the permission for groups', async (t) => {
  const { api } = await identityWorld(t);
  const half = { ...principal('viewer'), permissions: ['identity-providers:admin'] };
  const mapped = { groupClaim: 'groups', claimGroups: [{ value: 'x', group: 'admin' }] };
  const google = { preset: 'google' };
  await assert.rejects(
    api.createProvider('g', google, { principal: principal('operator') }),
    withCode('PERMISSION_DENIED'),
  );
  await assert.rejects(
    api.createProvider('g', { ...google, ...mapped }, { principal: half }),
    withCode('PERMISSION_DENIED'),
  );
  await api.createProvider('g', google, { principal: half });
  await api.changeProvider('g', mapped, ['group_claim', 'claim_groups']);
  const groups = { ...mapped, claimGroups: [{ value: 'x', group: 'nobody' }] };
  await assert.rejects(api.changeProvider('g', groups, ['claim_groups']), withCode('IDENTITY_PROVIDER_INPUT_INVALID'));
  await assert.rejects(
    api.changeProvider('g', { clientId: 'mine' }, ['client_id'], { principal: half }),
    withCode('PERMISSION_DENIED'),
  );
  // With it, those groups alone whose permissions they hold: who is behind the provider decides what it claims.
  const most = { ...half, permissions: ['identity-providers:admin', 'groups:admin', 'vms:*'] };
  const tooWide = withCode('PERMISSIONS_TOO_WIDE');
  await assert.rejects(api.createProvider('h', { ...google, ...mapped }, { principal: most }), tooWide);
  await api.createProvider('h', { ...google, redirectUris: ['https://app.example/h'] }, { principal: most });
  await assert.rejects(api.changeProvider('h', mapped, ['group_claim', 'claim_groups'], { principal: most }), tooWide);
  await assert.rejects(api.changeProvider('g', { clientId: 'mine' }, ['client_id'], { principal: most }), tooWide);
});

test('every wrong field of a provider is named', async (t) => {
  const { api } = await identityWorld(t);
  const wrong = api.createProvider('No Name', {
    issuer: 'ftp://x',
    clientId: '',
    scopes: ['a b'],
    emailDomains: ['Not-Lower.example', '@x'],
    redirectUris: [
      'https://app.example/cb?x=1',
      'http://app.example/cb',
      'http://127.0.0.1/cb',
      'javascript:alert(1)',
      redirectUri,
    ],
  });
  await assert.rejects(wrong, (error) => {
    assert.ok(error instanceof Error && 'details' in error);
    const { fields } = error.details as { fields: { field: string }[] };
    assert.deepEqual(
      fields.map(({ field }) => field),
      [
        ...[
          'name',
          'client_id',
          'issuer',
          'scopes[0]',
          'registration.email_domains[0]',
          'registration.email_domains[1]',
        ],
        ...['redirect_uris[0]', 'redirect_uris[1]', 'redirect_uris[3]'],
      ],
    );
    return true;
  });
});
