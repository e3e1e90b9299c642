import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuthService, VmService } from '@berth/contracts';
import { eventually, type TestScope } from '@berth/testing';
import { defaultTiming } from '../src/app/operations/command-timing.ts';
import {
  type Answer,
  type GatewayOptions,
  type GatewayUnderTest,
  startTestGateway,
} from './support/gateway-under-test.ts';
import { aRule, playLimits } from './support/played-limits.ts';

const path = '/v1/vms';
/** A lease whose answer comes too late is lost, and then less than the limit is admitted. */
const patient = { ...defaultTiming, answerTimeoutMs: 20_000 };
const noon = Date.UTC(2026, 0, 1, 12, 10);

/** Two gateways of one system under one clock; `seen` asks each until it goes by what was told. */
async function twoGateways(t: TestScope, options: GatewayOptions = {}) {
  const clock = { ms: noon };
  const settings = { now: () => clock.ms, timing: patient, ...options };
  const one = await startTestGateway(t, settings);
  const two = await startTestGateway(t, { ...settings, prefix: one.prefix });
  const auth = await playLimits(one);
  one.answer(VmService.method.listVms, () => ({ vms: [] }));
  await one.bus.connection.flush();
  const seen = (header: string, apiKey = 'viewer-probe') =>
    eventually(async () => {
      const answers = await Promise.all([one, two].map((gateway) => gateway.call('GET', path, { apiKey })));
      return answers.every(({ headers }) => headers.get('ratelimit-limit') === header);
    });
  return { one, two, auth, clock, seen };
}

const statusOf = ({ status }: Answer) => status;
const many = async (gateways: readonly GatewayUnderTest[], count: number, apiKey: string) => {
  const asked = Array.from({ length: count }, (_, at) => gateways[at % gateways.length]?.call('GET', path, { apiKey }));
  return (await Promise.all(asked)).map((answer) => answer ?? assert.fail('no gateway'));
};

test('of 300 requests at once over two gateways exactly the limit is admitted; the next window admits again', async (t) => {
  const { one, two, auth, clock, seen } = await twoGateways(t);
  auth.rules(aRule({ requests: 100 }));
  await seen('100');
  const answers = await many([one, two], 300, 'viewer-1');
  assert.equal(answers.map(statusOf).filter((status) => status === 200).length, 100);
  const refused = answers.find(({ status }) => status === 429);
  assert.equal(refused?.body.code, 'QUOTA_EXCEEDED');
  assert.equal(refused?.headers.get('retry-after'), '3000');
  assert.deepEqual(
    ['limit', 'remaining', 'reset'].map((name) => refused?.headers.get(`ratelimit-${name}`)),
    ['100', '0', '3000'],
  );
  assert.equal((await many([one], 1, 'viewer-2'))[0]?.status, 200, 'another key is counted by itself');
  clock.ms += 3_000_000;
  assert.deepEqual((await many([one, two], 2, 'viewer-1')).map(statusOf), [200, 200]);
});

test('a gateway whose clock is 30 seconds off counts in the window of all others', async (t) => {
  const options = { timing: patient, now: () => noon + 50_000 };
  const one = await startTestGateway(t, options);
  const auth = await playLimits(one);
  auth.now = new Date(noon + 50_000);
  one.answer(VmService.method.listVms, () => ({ vms: [] }));
  auth.rules(aRule({ requests: 40, window_seconds: 60 }));
  const fast = await startTestGateway(t, { ...options, prefix: one.prefix, now: () => noon + 80_000 });
  const reset = (gateway: GatewayUnderTest) => async () => {
    const { headers } = await gateway.call('GET', path, { apiKey: 'viewer-probe' });
    return headers.get('ratelimit-limit') === '40' && headers.get('ratelimit-reset') === '10';
  };
  for (const gateway of [one, fast]) await eventually(reset(gateway));
  const answers = await many([one, fast], 120, 'viewer-1');
  assert.equal(answers.map(statusOf).filter((status) => status === 200).length, 40);
});

test('a limit that is used up stays so when somebody sets the clock of the gateway', async (t) => {
  const one = await startTestGateway(t, { timing: patient });
  const auth = await playLimits(one);
  one.answer(VmService.method.listVms, () => ({ vms: [] }));
  auth.rules(aRule({ requests: 3, window_seconds: 86_400 }));
  await eventually(async () => (await many([one], 1, 'viewer-1'))[0]?.status === 429);
  const rightMs = Date.now();
  for (const daysOff of [1, -1]) {
    t.mock.timers.enable({ apis: ['Date'], now: rightMs + daysOff * 86_400_000 });
    assert.deepEqual((await many([one], 3, 'viewer-1')).map(statusOf), [429, 429, 429]);
    t.mock.timers.reset();
  }
});

test('requests cause few questions, and what a stopped gateway held is there for the other', async (t) => {
  const { one, two, auth, seen } = await twoGateways(t);
  auth.rules(aRule({ requests: 1_000 }));
  await seen('1000');
  const before = auth.leases;
  for (let round = 0; round < 10; round++) await many([one], 40, 'viewer-1');
  assert.ok(auth.leases - before <= 30, `${auth.leases - before} questions for 400 requests`);
  await one.stop();
  const name = 'key:id-of-viewer-1  3600 1767268800';
  assert.equal(auth.taken.get(name), 400);
  const rest = await many([two], 620, 'viewer-1');
  assert.equal(rest.filter(({ status }) => status === 200).length, 600);
});

test('what a gateway held that died is lost until the window ends: never more than the limit', async (t) => {
  const { two, auth, seen } = await twoGateways(t);
  auth.rules(aRule({ requests: 50 }));
  await seen('50');
  auth.taken.set('key:id-of-viewer-1  3600 1767268800', 10); // leased by one that died before it spent any
  const answers = await many([two], 60, 'viewer-1');
  assert.equal(answers.filter(({ status }) => status === 200).length, 40);
});

test('a gateway that has just started knows the limits before its first request', async (t) => {
  const { one, auth, seen } = await twoGateways(t);
  auth.rules(aRule({ requests: 3 }));
  await seen('3');
  const third = await startTestGateway(t, { prefix: one.prefix, auth: false, timing: patient, now: () => noon });
  const first = await many([third], 6, 'viewer-1');
  assert.equal(first.filter(({ status }) => status === 200).length, 3);
});

test('without auth what is leased is spent, then it is 503', async (t) => {
  const { one, auth, seen } = await twoGateways(t);
  auth.rules(aRule({ requests: 200 }));
  await seen('200');
  assert.equal((await many([one], 1, 'viewer-1'))[0]?.status, 200);
  auth.away = true;
  const statuses: number[] = [];
  let last: Answer | undefined;
  for (let at = 0; at < 40 && last?.status !== 503; at++) {
    last = await one.call('GET', path, { apiKey: 'viewer-1' });
    statuses.push(last.status);
  }
  assert.equal(last?.body.code, 'LIMITS_UNAVAILABLE');
  assert.ok(statuses.length > 5, `${statuses.length - 1} requests were admitted from the lease`);
  auth.away = false;
  await eventually(async () => (await one.call('GET', path, { apiKey: 'viewer-1' })).status === 200);
});

test('the most generous group wins, a user’s own limit wins over it, and a key of the user counts for both', async (t) => {
  const { one, two, auth, seen } = await twoGateways(t, { auth: false });
  one.answer(AuthService.method.verifyApiKey, ({ apiKey }) => {
    const asUser = !apiKey.startsWith('key');
    const principal = { id: asUser ? 'u1' : apiKey, kind: asUser ? 'user' : 'api_key', userId: 'u1' };
    return { principal: { ...principal, permissions: ['*'], groups: ['small', 'large'] } };
  });
  const limit = (requests: bigint) => ({ endpointGroup: '', windowSeconds: 3_600, requests });
  const group = (name: string, ...requests: bigint[]) =>
    auth.tell({ case: 'group', value: { name, permissions: [], limits: requests.map(limit) } });
  auth.rules(aRule({ subject: 'user', requests: 5 }));
  await seen('5', 'user');
  group('small', 10n);
  group('large', 30n);
  await seen('30', 'user');
  const both = await Promise.all([many([one, two], 20, 'user'), many([one, two], 20, 'key-1')]);
  const admitted = both.flat().filter(({ status }) => status === 200).length;
  assert.ok(admitted >= 15 && admitted < 30, `${admitted} beside those before`);
  assert.deepEqual([...auth.taken], [['user:u1  3600 1767268800', 30]]);
  auth.tell({ case: 'user', value: { id: 'u1', limits: [limit(7n)] } });
  await seen('7', 'user');
  auth.tell({ case: 'user', value: { id: 'u1', limits: [] } });
  group('large', 0n);
  await eventually(
    async () => (await one.call('GET', path, { apiKey: 'user' })).headers.get('ratelimit-limit') === null,
  );
});

test('limits of an endpoint group leave others alone; health and reads of operations never count', async (t) => {
  const { one, auth, seen } = await twoGateways(t);
  auth.rules(aRule({ endpoint_group: 'vms', requests: 2, window_seconds: 60 }));
  await seen('2');
  const statuses = (await many([one], 3, 'viewer-1')).map(statusOf).sort();
  assert.deepEqual(statuses, [200, 200, 429]);
  const limited = await one.call('GET', path, { apiKey: 'viewer-1' });
  assert.equal(limited.body.code, 'RATE_LIMITED');
  const elsewhere = await one.call('GET', '/v1/operations', { apiKey: 'viewer-1' });
  assert.notEqual(elsewhere.status, 429);
  auth.rules(aRule({ requests: 1 }));
  await seen('1', 'viewer-2');
  for (let at = 0; at < 3; at++) {
    assert.notEqual((await one.call('GET', '/v1/operations', { apiKey: 'viewer-2' })).status, 429);
  }
});

test('a user whose limit is used up can still sign out everywhere', async (t) => {
  const { one, auth, seen } = await twoGateways(t, { auth: false });
  const principal = { id: 'u1', kind: 'user', userId: 'u1', permissions: ['*'] };
  one.answer(AuthService.method.verifyApiKey, () => ({ principal }));
  await one.bus.connection.flush();
  auth.rules(aRule({ subject: 'user', requests: 1 }));
  await seen('1', 'user');
  await eventually(async () => (await one.call('GET', path, { apiKey: 'user' })).status === 429);
  const signingOut = await one.call('POST', '/v1/auth/logout-everywhere', { apiKey: 'user' });
  assert.notEqual(signingOut.status, 429);
  assert.equal(signingOut.headers.get('ratelimit-limit'), null);
});

test('beyond a slow limit answers come later and later, and are refused beyond twice as many', async (t) => {
  const { one, auth, seen } = await twoGateways(t);
  auth.rules(aRule({ mode: 'slow', requests: 20 }));
  await seen('20');
  const begun = performance.now();
  await many([one], 20, 'viewer-1');
  const late = one.call('GET', path, { apiKey: 'viewer-1' }); // the 21st of 20: a twentieth of five seconds
  const other = await one.call('GET', path, { apiKey: 'viewer-2' });
  assert.equal(other.status, 200, 'others are not held up');
  assert.equal((await late).status, 200);
  assert.ok(performance.now() - begun >= 250);
  const waiting = many([one], 30, 'viewer-1');
  await eventually(async () => (await one.call('GET', path, { apiKey: 'viewer-1' })).status === 429);
  await one.stop(); // who waits is let go at once
  const admitted = (await waiting).filter(({ status }) => status === 200).length;
  assert.ok(admitted > 0 && admitted <= 19, `${admitted} after the first 21, of twice 20`);
});

test('a blocked address is refused by each gateway before anything is done, and let in when its time is over', async (t) => {
  const { one, two, auth, clock } = await twoGateways(t, {
    env: { BERTH_TRUSTED_PROXIES: '127.0.0.1', BERTH_NEVER_BLOCK: '127.0.0.1,203.0.113.0/24' },
  });
  const from = (gateway: GatewayUnderTest, address: string, apiKey: string | null = 'viewer-1') =>
    gateway.call('GET', path, { apiKey, headers: { 'x-forwarded-for': address } });
  auth.block('ip:198.51.100.7', new Date(noon + 90_000));
  auth.block('ip:2001:db8:0:1::/64', new Date(noon + 90_000));
  auth.block('ip:203.0.113.9', new Date(noon + 90_000));
  await Promise.all(
    [one, two].map((gateway) => eventually(async () => (await from(gateway, '198.51.100.7')).status === 403)),
  );
  const refused = await from(two, '198.51.100.7', null);
  assert.deepEqual([refused.status, refused.body.code], [403, 'ADDRESS_BLOCKED'], 'nobody looked for a key');
  assert.equal(refused.headers.get('retry-after'), '90');
  assert.equal((await from(one, '2001:db8:0:1:a:b:c:d')).status, 403);
  assert.equal((await from(one, '2001:db8:0:2::1')).status, 200);
  assert.equal((await from(one, '203.0.113.9')).status, 200, 'an allowed network is never kept out');
  assert.equal((await from(one, '198.51.100.8')).status, 200);
  clock.ms += 90_000;
  assert.equal((await from(two, '198.51.100.7')).status, 200);
});

test('a blocked key is kept out wherever it comes from', async (t) => {
  const { one, auth } = await twoGateways(t);
  auth.block('key:id-of-viewer-bad', new Date('9999-12-31T00:00:00.000Z'));
  await eventually(async () => (await one.call('GET', path, { apiKey: 'viewer-bad' })).status === 403);
  const refused = await one.call('GET', path, { apiKey: 'viewer-bad' });
  assert.deepEqual([refused.body.code, refused.headers.get('retry-after')], ['CALLER_BLOCKED', null]);
  assert.equal((await one.call('GET', path, { apiKey: 'viewer-1' })).status, 200);
});

test('refusals are reported by address, only those of addresses that may be kept out, and a forged header counts nothing', async (t) => {
  const trusted = await twoGateways(t, { env: { BERTH_TRUSTED_PROXIES: '127.0.0.1' } });
  const strange = (gateway: GatewayUnderTest, address: string) =>
    gateway.call('GET', path, { apiKey: 'nobodys', headers: { 'x-forwarded-for': address } });
  await Promise.all(Array.from({ length: 12 }, (_, at) => strange(at % 2 ? trusted.one : trusted.two, '198.51.100.7')));
  await eventually(() => trusted.auth.refusals.get('ip:198.51.100.7') === 12);
  assert.deepEqual([...trusted.auth.refusals.keys()], ['ip:198.51.100.7']);
  const open = await twoGateways(t);
  assert.equal((await strange(open.one, '198.51.100.7')).status, 401);
  await open.one.stop(); // reports what it has
  assert.deepEqual([...open.auth.refusals.keys()], []);
});
