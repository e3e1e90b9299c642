import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SessionService, type SessionTokensSchema } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { eventually } from '@berth/testing';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { startTestGateway } from './support/gateway-under-test.ts';
import { playTokens } from './support/played-tokens.ts';

const tokens: MessageInitShape<typeof SessionTokensSchema> = {
  ...{ accessToken: 'a.b.c', accessSeconds: 900, refreshToken: 'brt_x', refreshSeconds: 0 },
};
const { method } = SessionService;

test('OAuth clients refresh where they signed in, and each grant takes its own fields alone', async (t) => {
  const gateway = await startTestGateway(t);
  const used: string[] = [];
  gateway.answer(method.refreshTokens, ({ refreshToken }) => {
    used.push(refreshToken);
    return { tokens };
  });
  gateway.answer(method.signIn, () => assert.fail('nobody signs in'));
  await gateway.bus.connection.flush();
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const ask = (fields: Record<string, string>) =>
    gateway.call('POST', '/v1/auth/token', { apiKey: null, headers, body: new URLSearchParams(fields).toString() });
  const answer = await ask({ grant_type: 'refresh_token', refresh_token: 'brt_planted', scope: '', client_id: 'app' });
  assert.deepEqual([answer.status, answer.body.access_token, used], [200, 'a.b.c', ['brt_planted']]);
  const wrong: readonly (readonly [Record<string, string>, readonly string[]])[] = [
    [{}, ['username', 'password']],
    [{ username: 'ada' }, ['password']],
    [{ grant_type: 'refresh_token' }, ['refresh_token']],
    [{ grant_type: 'refresh_token', username: 'ada', password: 'p' }, ['username', 'password', 'refresh_token']],
    [{ username: 'ada', password: 'p', refresh_token: 'brt_planted' }, ['refresh_token']],
    [{ grant_type: 'client_credentials' }, ['grant_type']],
  ];
  for (const [fields, named] of wrong) {
    const { status, body } = await ask(fields);
    assert.equal(status, 422, JSON.stringify(fields));
    assert.deepEqual(
      body.errors.map(({ field }: { field: string }) => field),
      named,
    );
  }
  assert.ok(!JSON.stringify(gateway.logged).includes('brt_planted'));
});

test('a password is taken as JSON and as a form, and gives tokens; both addresses are the same', async (t) => {
  const gateway = await startTestGateway(t);
  const asked: unknown[] = [];
  gateway.answer(method.signIn, ({ login, password, context }) => {
    asked.push([login, password, context?.userAgent]);
    return { tokens };
  });
  await gateway.bus.connection.flush();
  const body = { username: 'ada', password: 'p w&+' };
  const oauth = { grant_type: 'password', scope: '', client_id: 'app', client_secret: '' };
  const headers = { 'user-agent': 'test' };
  const form = { ...headers, 'content-type': 'application/x-www-form-urlencoded' };
  const answers = [
    await gateway.call('POST', '/v1/auth/token', { apiKey: null, body, headers }),
    await gateway.call('POST', '/v1/auth/jwt', {
      apiKey: null,
      body: new URLSearchParams({ ...body, ...oauth }).toString(),
      headers: form,
    }),
  ];
  for (const answer of answers) {
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    assert.deepEqual(answer.body, {
      ...{ access_token: 'a.b.c', token_type: 'Bearer', expires_in: 900 },
      ...{ refresh_token: 'brt_x', refresh_expires_in: null },
    });
    assert.equal(answer.headers.get('cache-control'), 'no-store');
  }
  assert.deepEqual(asked, [
    ['ada', 'p w&+', 'test'],
    ['ada', 'p w&+', 'test'],
  ]);
  assert.ok(!JSON.stringify(gateway.logged).includes('p w&+'));
  const wrong = [
    { body: { ...body, colour: 'blue' } },
    { body: 'username=a&username=b&password=c', headers: form },
    { body: 'username=a&password=c&__proto__=d', headers: form },
    { body: 'username=a%00&password=c', headers: form },
  ];
  for (const options of wrong) {
    assert.equal((await gateway.call('POST', '/v1/auth/token', { apiKey: null, ...options })).status, 422);
  }
  const large = [
    { body: Array.from({ length: 50_000 }, (_, index) => index.toString(36)).join('&'), headers: form },
    { body: { ...body, colour: 'b'.repeat(65_536) } },
  ];
  for (const options of large) {
    const refused = await gateway.call('POST', '/v1/auth/token', { apiKey: null, ...options });
    assert.equal(refused.body.code, 'BODY_TOO_LARGE', 'a stranger may send little');
  }
  const elsewhere = await gateway.call('POST', '/v1/vms/provision', { body: 'vm_name=a', headers: form });
  assert.equal(elsewhere.body.code, 'UNSUPPORTED_MEDIA_TYPE');
});

test('a token that is for ever has no expires_in, for which OAuth 2 clients want a number', async (t) => {
  const gateway = await startTestGateway(t);
  gateway.answer(method.signIn, () => ({ tokens: { ...tokens, accessSeconds: 0 } }));
  await gateway.bus.connection.flush();
  const body = { username: 'ada', password: 'p w&+' };
  const answer = await gateway.call('POST', '/v1/auth/token', { apiKey: null, body });
  assert.deepEqual(Object.keys(answer.body), ['access_token', 'token_type', 'refresh_token', 'refresh_expires_in']);
});

test('a token opens what its user’s groups may, and the user’s own things, which API keys do not', async (t) => {
  const gateway = await startTestGateway(t);
  const auth = await playTokens(gateway);
  const ended: unknown[] = [];
  gateway.answer(method.listSessions, ({ principal }) => ({
    sessions: [{ id: principal?.sessionId ?? '' }, { id: 'other' }],
  }));
  gateway.answer(method.endSessions, ({ id, context }) => {
    ended.push([id, context?.principal?.userId]);
    return {};
  });
  gateway.answer(method.signOutEverywhere, () => ({}));
  await gateway.bus.connection.flush();
  const bearer = { authorization: `Bearer ${await auth.token({ groups: ['viewer'] })}` };
  const as = (verb: string, path: string) => gateway.call(verb, path, { apiKey: null, headers: bearer });
  const sessions = await eventually(async () => {
    const answer = await as('GET', '/v1/account/sessions');
    return answer.status === 200 && answer;
  });
  assert.deepEqual(
    sessions.body.items.map(({ current }: { current: boolean }) => current),
    [true, false],
  );
  assert.equal((await as('DELETE', '/v1/account/sessions/abc')).status, 204);
  assert.equal((await as('DELETE', '/v1/account/sessions')).status, 204);
  assert.deepEqual(ended, [
    ['abc', '7'],
    ['', '7'],
  ]);
  assert.equal((await as('DELETE', '/v1/admin/users/7/sessions')).body.code, 'PERMISSION_DENIED');
  assert.equal((await gateway.call('GET', '/v1/account/sessions')).body.code, 'USER_REQUIRED');
  assert.equal((await gateway.call('DELETE', '/v1/admin/users/7/sessions')).status, 204);
  const keySet = await gateway.call('GET', '/.well-known/jwks.json', { apiKey: null });
  assert.deepEqual(keySet.body, { keys: [auth.publicJwk] });
  assert.equal(keySet.headers.get('cache-control'), 'public, max-age=60');
});

test('signing out ends the session of the refresh token or of the bearer, and is never a failure', async (t) => {
  const gateway = await startTestGateway(t);
  const auth = await playTokens(gateway);
  const ended: unknown[] = [];
  gateway.answer(method.signOut, ({ refreshToken, context }) => {
    ended.push(refreshToken || context?.principal?.sessionId);
    return {};
  });
  await gateway.bus.connection.flush();
  const token = await auth.token({ groups: ['viewer'] });
  const out = (options: object) => gateway.call('POST', '/v1/auth/logout', { apiKey: null, ...options });
  assert.equal((await out({ body: { refresh_token: 'brt_x' } })).status, 204);
  await eventually(async () => (await out({ headers: { authorization: `Bearer ${token}` } })).status === 204);
  assert.equal((await out({ headers: { authorization: `Bearer ${token}x` } })).status, 204);
  assert.equal((await out({})).status, 204);
  assert.deepEqual(ended, ['brt_x', 'session-1']);
});

test('while nobody tells of revocations, tokens are refused with 503 and API keys go on', async (t) => {
  const gateway = await startTestGateway(t);
  const auth = await playTokens(gateway);
  const headers = { authorization: `Bearer ${await auth.token({ groups: ['viewer'] })}` };
  const status = () => gateway.call('GET', '/v1/account/sessions', { apiKey: null, headers });
  gateway.answer(method.listSessions, () => {
    throw new DomainError('not_found', 'SESSION_NOT_FOUND', 'There is none.');
  });
  await eventually(async () => (await status()).status === 404);
  await auth.stop();
  const stale = await eventually(async () => {
    const answer = await status();
    return answer.status === 503 && answer;
  });
  assert.deepEqual([stale.body.code, stale.headers.get('retry-after')], ['ACCESS_STATE_STALE', '1']);
  assert.equal((await gateway.call('GET', '/.well-known/jwks.json', { apiKey: null })).body.code, 'ACCESS_STATE_STALE');
  assert.equal((await gateway.call('GET', '/v1/account/sessions')).body.code, 'USER_REQUIRED', 'the key is known');
});
