import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { KeyCache } from '@berth/access';
import { AuthService, subjectOfMethod, VmService } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { createLogger } from '@berth/service-kit';
import { eventually, ownNats } from '@berth/testing';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { Registry } from 'prom-client';
import { buildApp } from '../src/adapters/http/server/build-app.ts';
import { gatewayMetrics } from '../src/adapters/http/server/http-metrics.ts';
import { type GatewayUnderTest, startTestGateway } from './support/gateway-under-test.ts';
import { playLimits } from './support/played-limits.ts';

const status = '/v1/ports/status';

/** Answers key questions by this state instead of the usual; counts them. */
async function authState(gateway: GatewayUnderTest) {
  const state = { asked: 0, holders: new Map<string, string[]>([['key-a', ['vms:read']]]), expiresAt: new Date(8e15) };
  gateway.answer(AuthService.method.verifyApiKey, ({ apiKey }) => {
    state.asked++;
    const permissions = state.holders.get(apiKey);
    if (permissions === undefined) throw new DomainError('unauthenticated', 'API_KEY_INVALID', 'Not valid.');
    return {
      principal: { id: `id-of-${apiKey}`, kind: 'api_key', permissions },
      expiresAt: timestampFromDate(state.expiresAt),
    };
  });
  gateway.answer(VmService.method.listVms, () => ({ vms: [] }));
  await gateway.bus.connection.flush();
  return state;
}

/** Plays auth's news until the gateway has them: from then on they are told one by one, and it believes what it remembers. */
async function followsNews(gateway: GatewayUnderTest) {
  const { tell } = await playLimits(gateway);
  tell({ case: 'signingKey', value: { id: 'k1', publicJwk: '{"kid":"k1"}' } });
  await eventually(
    async () => (await gateway.call('GET', '/.well-known/jwks.json', { apiKey: null })).body.keys?.length === 1,
  );
  return tell;
}

const statusWith = async (gateway: GatewayUnderTest, headers: Record<string, string>) =>
  (await gateway.call('GET', status, { apiKey: null, headers })).status;

test('a key is taken as X-API-Key and as a bearer; two that differ, another scheme and no key are 401', async (t) => {
  const gateway = await startTestGateway(t, { auth: false });
  await authState(gateway);
  assert.equal(await statusWith(gateway, { 'x-api-key': 'key-a' }), 200);
  assert.equal(await statusWith(gateway, { authorization: 'Bearer key-a' }), 200);
  assert.equal(await statusWith(gateway, { authorization: 'bearer key-a', 'x-api-key': 'key-a' }), 200);
  for (const headers of [
    {},
    { 'x-api-key': '' },
    { 'x-api-key': 'key-b' },
    { 'x-api-key': 'a b' },
    { 'x-api-key': 'x'.repeat(513) },
    { authorization: 'Basic a2V5LWE=' },
    { authorization: 'Bearer' },
    { authorization: 'Bearer key-b', 'x-api-key': 'key-a' },
  ] as Record<string, string>[]) {
    const answer = await gateway.call('GET', status, { apiKey: null, headers });
    assert.equal(answer.status, 401, JSON.stringify(headers));
    assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer/);
    assert.ok(!JSON.stringify(answer.body).includes('key-'), 'a problem shows no key');
  }
});

test('of two headers Authorization none is believed, whichever of their keys is good', async (t) => {
  const gateway = await startTestGateway(t, { auth: false });
  await authState(gateway);
  const statusOf = (...keys: string[]) =>
    new Promise<number | undefined>((resolve, reject) => {
      const asked = request(new URL(status, gateway.url), (answer) => resolve(answer.resume().statusCode));
      asked.setHeader(
        'authorization',
        keys.map((key) => `Bearer ${key}`),
      );
      asked.on('error', reject).end();
    });
  assert.equal(await statusOf('key-a'), 200);
  for (const keys of [
    ['key-a', 'key-b'],
    ['key-b', 'key-a'],
    ['key-a', 'key-a'],
  ]) {
    assert.equal(await statusOf(...keys), 401, keys.join());
  }
});

test('many requests with one key ask auth once; each key that nobody holds is asked for once a while', async (t) => {
  const gateway = await startTestGateway(t, { auth: false });
  const auth = await authState(gateway);
  await followsNews(gateway);
  const all = await Promise.all(Array.from({ length: 20 }, () => statusWith(gateway, { 'x-api-key': 'key-a' })));
  assert.deepEqual(new Set(all), new Set([200]));
  assert.equal(auth.asked, 1);
  assert.equal(await statusWith(gateway, { 'x-api-key': 'wrong' }), 401);
  assert.equal(await statusWith(gateway, { 'x-api-key': 'wrong' }), 401);
  assert.equal(auth.asked, 2);
});

test('a key that is revoked, or whose permissions change, is forgotten when that is told; others are not', async (t) => {
  const gateway = await startTestGateway(t, { auth: false });
  const auth = await authState(gateway);
  auth.holders.set('key-b', ['vms:read']);
  const tell = await followsNews(gateway);
  const change = () => tell({ case: 'apiKey', value: { id: 'id-of-key-a', userId: '' } });
  assert.equal(await statusWith(gateway, { 'x-api-key': 'key-a' }), 200);
  assert.equal(await statusWith(gateway, { 'x-api-key': 'key-b' }), 200);
  auth.holders.set('key-a', []);
  assert.equal(await statusWith(gateway, { 'x-api-key': 'key-a' }), 200, 'the cache still believed it');
  change();
  await eventually(async () => (await statusWith(gateway, { 'x-api-key': 'key-a' })) === 403);
  auth.holders.delete('key-a');
  change();
  await eventually(async () => (await statusWith(gateway, { 'x-api-key': 'key-a' })) === 401);
  const asked = auth.asked;
  assert.equal(await statusWith(gateway, { 'x-api-key': 'key-b' }), 200);
  assert.equal(auth.asked, asked, 'it is still known who holds it');
});

test('a key is not believed beyond its own end', async (t) => {
  const gateway = await startTestGateway(t, { auth: false });
  const auth = await authState(gateway);
  auth.expiresAt = new Date();
  await statusWith(gateway, { 'x-api-key': 'key-a' });
  await statusWith(gateway, { 'x-api-key': 'key-a' });
  assert.equal(auth.asked, 2);
});

test('a lost connection forgets all keys, because a change may have been missed', async (t) => {
  const nats = await ownNats(t);
  const gateway = await startTestGateway(t, { auth: false, natsUrl: nats.url });
  const auth = await authState(gateway);
  assert.equal(await statusWith(gateway, { 'x-api-key': 'key-a' }), 200);
  await nats.kill();
  auth.holders.delete('key-a');
  await nats.start();
  await eventually(async () => (await statusWith(gateway, { 'x-api-key': 'key-a' })) === 401);
});

test('when auth is away the answer is 503, also for silence', async (t) => {
  const gateway = await startTestGateway(t, { auth: false });
  const away = await gateway.call('GET', status, { apiKey: 'key-a' });
  assert.equal(away.status, 503);
  assert.notEqual(away.headers.get('retry-after'), null);
  gateway.bus.connection.subscribe(subjectOfMethod(gateway.prefix, AuthService.method.verifyApiKey), {
    callback: () => {},
  });
  await gateway.bus.connection.flush();
  assert.equal((await gateway.call('GET', status, { apiKey: 'key-a' })).status, 503);
});

test('viewers read, operators also write, only admins manage keys', async (t) => {
  const gateway = await startTestGateway(t);
  const statusOf = async (method: string, path: string, apiKey: string) =>
    (await gateway.call(method, path, { apiKey, ...(method === 'POST' ? { body: {} } : {}) })).status;
  for (const [key, write, admin] of [
    ['viewer-1', 403, 403],
    ['operator-1', 422, 403],
    ['admin-1', 422, 503],
  ] as const) {
    assert.equal(await statusOf('POST', '/v1/vms/provision', key), write, key);
    assert.equal(await statusOf('GET', '/v1/admin/api-keys', key), admin, key);
    assert.equal(await statusOf('GET', status, key), 503, key); // permitted; nobody answers in this test
  }
});

test('without a key, nothing but what is open can be reached', async (t) => {
  const gateway = await startTestGateway(t);
  const { paths } = (await gateway.call('GET', '/openapi.json', { apiKey: null })).body;
  let refused = 0;
  for (const [path, methods] of Object.entries(paths) as [string, Record<string, { security?: unknown[] }>][]) {
    for (const [method, { security }] of Object.entries(methods)) {
      const open = security?.length === 0 || security?.some((way) => Object.keys(way as object).length === 0) === true;
      const url = path.replaceAll(/\{\w+\}/g, 'x');
      const answer = await gateway.call(method.toUpperCase(), url, { apiKey: null });
      assert.equal(answer.status === 401, !open, `${method} ${path}`);
      if (!open) refused++;
    }
  }
  assert.ok(refused >= 15);
});

test('a route that does not say what it needs stops the start', async () => {
  const options = {
    log: createLogger('test', 'fatal'),
    metrics: gatewayMetrics(new Registry(), { waiting: () => 0 }),
    keys: new KeyCache({
      verify: () => Promise.reject(new Error()),
      isCurrent: () => true,
      ttlMs: 0,
      refusalTtlMs: 0,
      maxEntries: 1,
    }),
    audit: { record: async () => {} },
    requestsPerSecond: 0,
    overloadedAfterMs: 0,
  };
  await assert.rejects(
    buildApp(options, (app) => void app.get('/v1/forgotten', async () => ({}))),
    /\/v1\/forgotten does not say what permission it needs/,
  );
});

test('more requests a second than allowed are 429 with Retry-After, counted for each key alone', async (t) => {
  const gateway = await startTestGateway(t, { env: { BERTH_RATE_LIMIT_PER_SECOND: '3' } });
  gateway.answer(VmService.method.listVms, () => ({ vms: [] }));
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => gateway.call('GET', status, { apiKey: 'viewer-1' })),
  );
  const refused = answers.find((answer) => answer.status === 429);
  assert.ok(refused, answers.map((answer) => answer.status).join(' '));
  assert.equal(refused.body.code, 'RATE_LIMITED');
  assert.equal(refused.headers.get('retry-after'), '1');
  assert.equal(refused.headers.get('ratelimit-limit'), '3');
  assert.ok(answers.filter((answer) => answer.status === 200).length >= 3); // more when they take long: the bucket fills up again
  assert.equal((await gateway.call('GET', status, { apiKey: 'viewer-2' })).status, 200);
});

test('on open routes addresses of one IPv6 network share what one address may ask', async (t) => {
  const env = { BERTH_RATE_LIMIT_PER_SECOND: '3', BERTH_TRUSTED_PROXIES: '127.0.0.1' };
  const gateway = await startTestGateway(t, { env });
  const from = async (address: string) =>
    (await gateway.call('GET', '/', { apiKey: null, headers: { 'x-forwarded-for': address } })).status;
  const addresses = Array.from({ length: 12 }, (_, index) => `2001:db8::${index + 1}`);
  const statuses = await Promise.all(addresses.map(from));
  assert.deepEqual([...new Set(statuses)].sort(), [200, 429]);
  assert.equal(await from('2001:db8:0:1::1'), 200);
});

test('wrong keys are counted for their address: 429, and auth is not asked any more; keys that are known go on', async (t) => {
  const gateway = await startTestGateway(t, { auth: false, env: { BERTH_RATE_LIMIT_PER_SECOND: '1' } });
  const auth = await authState(gateway);
  assert.equal(await statusWith(gateway, { 'x-api-key': 'key-a' }), 200);
  const guesses = Array.from(
    { length: 20 },
    (_, index) => () => statusWith(gateway, { 'x-api-key': `guess-${index}` }),
  );
  const statuses = new Set<number>();
  for (const guess of guesses) statuses.add(await guess());
  assert.deepEqual([...statuses], [401, 429]);
  assert.ok(auth.asked < 15, `asked ${auth.asked} times`);
  const refused = await eventually(async () => {
    const answer = await gateway.call('GET', status, { apiKey: null });
    return answer.status === 429 && answer;
  });
  assert.deepEqual([refused.body.code, refused.headers.get('retry-after')], ['RATE_LIMITED', '1']);
  assert.equal(await eventually(async () => (await statusWith(gateway, { 'x-api-key': 'key-a' })) === 200), true);
});
