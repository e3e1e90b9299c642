import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '@berth/testing';
import { inParallel, sharedBerth, startBerth } from '../src/index.ts';

const shared = sharedBerth({ replicas: 2 });
const path = '/v1/vms?limit=1';
const numbers = (count: number) => Array.from({ length: count }, (_, at) => String(at));

/** Waits until `check` holds so many times in a row. */
async function inARow(times: number, check: () => Promise<boolean>): Promise<void> {
  let held = 0;
  await eventually(
    async () => {
      held = (await check()) ? held + 1 : 0;
      return held >= times;
    },
    { everyMs: 1 },
  );
}

test('two replicas of each service admit 300 requests at once up to a limit of 100, and not one more', async () => {
  const { api } = await shared();
  const rule = { subject: 'key', endpoint_group: 'vms', window_seconds: 86_400, requests: 100, mode: 'block' };
  assert.equal((await api.call('PUT', '/v1/admin/limits', { body: { rules: [rule] } })).status, 200);
  const made = await api.post('/v1/admin/api-keys', { permission: 'viewer' });
  const [{ api_key: apiKey, id }, probe] = [made.body, await api.post('/v1/admin/api-keys', {})];
  // Connections are spread over both gateways: after so many in a row both go by the rule.
  await inARow(20, async () => {
    const answer = await api.get(path, { apiKey: probe.body.api_key, headers: { connection: 'close' } });
    return answer.headers.get('ratelimit-limit') === '100';
  });
  const answers = await inParallel(numbers(300), 300, () => api.get(path, { apiKey }));
  const admitted = answers.filter(({ status }) => status === 200).length;
  const refused = answers.filter(({ status, body }) => status === 429 && body.code === 'QUOTA_EXCEEDED').length;
  assert.deepEqual([admitted + refused, admitted], [300, 100]);
  const { body } = await api.get(`/v1/admin/usage?subject=key:${id}`);
  assert.deepEqual([body.items.length, body.items[0].used, body.items[0].limit], [1, 100, 100]);
});

test('a replica that is killed takes what it had leased with it, and nothing is admitted for that', async () => {
  const { api, system } = await shared();
  const rule = { subject: 'key', endpoint_group: 'vms', window_seconds: 86_400, requests: 200, mode: 'block' };
  assert.equal((await api.call('PUT', '/v1/admin/limits', { body: { rules: [rule] } })).status, 200);
  const { api_key: apiKey } = (await api.post('/v1/admin/api-keys', { permission: 'viewer' })).body;
  const { api_key: probe } = (await api.post('/v1/admin/api-keys', { permission: 'viewer' })).body;
  const headers = { connection: 'close' };
  const isLimited = async () =>
    (await api.get(path, { apiKey: probe, headers })).headers.get('ratelimit-limit') === '200';
  await inARow(20, isLimited);
  const ask = async () => (await api.get(path, { apiKey, headers }).catch(() => undefined))?.status;
  const before = await inParallel(numbers(40), 40, ask);
  const gateway = system.services.find(({ name }) => name.startsWith('gateway'));
  process.kill(gateway?.pid ?? assert.fail('no gateway'), 'SIGKILL');
  await inARow(20, isLimited); // it was started again, and knows the rule
  const admitted = [...before, ...(await inParallel(numbers(400), 100, ask))].filter((status) => status === 200).length;
  assert.ok(admitted <= 200 && admitted >= 180, `${admitted} of 200; a lease is 10`);
});

test('an address that tries keys is kept out by both replicas, and let in when somebody lifts it', async (t) => {
  const env = { BERTH_NEVER_BLOCK: 'none', BERTH_TRUSTED_PROXIES: '127.0.0.1', BERTH_BLOCK_AFTER_REFUSALS: '30' };
  const { api } = await startBerth(t, { replicas: 2, env });
  const from = (address: string, apiKey?: string) =>
    api.get(path, {
      ...(apiKey && { apiKey }),
      headers: { 'x-forwarded-for': address, connection: 'close' },
    });
  const bad = '198.51.100.7';
  await inParallel(numbers(40), 20, (at) => from(bad, `guess-${at}`));
  // It guesses on: what it guessed before may have been counted in the minute before, or answered 503 without a verdict.
  await inARow(20, async () => (await from(bad, 'guess-more')).body.code === 'ADDRESS_BLOCKED');
  assert.equal((await from('198.51.100.8')).status, 200);
  const blocks = await api.get('/v1/admin/blocks');
  assert.deepEqual([blocks.body.items.length, blocks.body.items[0].subject], [1, `ip:${bad}`]);
  assert.equal((await api.delete(`/v1/admin/blocks/ip:${bad}`)).status, 204);
  await eventually(async () => (await from(bad)).status === 200);
});
