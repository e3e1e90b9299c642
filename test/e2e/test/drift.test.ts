import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventuallyHolds } from '@berth/testing';
import { assertRouterEqualsApi, type BerthUnderTest, below, sharedBerth } from '../src/index.ts';

const shared = sharedBerth();
const rulePath = ['nat', 'destination', 'rule'];
const ruleAt = async ({ router }: BerthUnderTest, number: number) =>
  below(await router.config(), ...rulePath, String(number));
const drift = '/v1/routers/default/drift';

test('a person’s edit is reported with the way back, undone on request, and taken over under the policy accept', async () => {
  const berth = await shared();
  const { api, router } = berth;
  const { status, body: vm } = await api.provision({ vm_name: 'web' });
  assert.equal(status, 201, JSON.stringify(vm));
  const ssh = vm.nat_rule_base;

  const clean = await api.post(`${drift}/check`, { wait: 30 });
  assert.equal(clean.status, 200, JSON.stringify(clean.body));
  assert.deepEqual([clean.body.status, clean.body.report.no_change], ['clean', 4]);

  await router.person({
    commands: [`set nat destination rule ${ssh} translation port 2222`, `set nat destination rule ${ssh} log`],
  });
  const found = (await api.post(`${drift}/check`, { wait: 30 })).body;
  assert.equal(found.status, 'drifted');
  const [item] = found.items;
  assert.deepEqual([item.kind, item.policy, item.vm_id], ['updated', 'report', vm.vm_id]);
  assert.deepEqual(item.repair.lines, [
    `delete nat destination rule ${ssh} log`,
    `set nat destination rule ${ssh} translation port 22`,
  ]);
  assert.deepEqual(item.repair.set, {
    nat: { destination: { rule: { [ssh]: { translation: { port: { 22: {} } } } } } },
  });
  const shown = await api.get(drift);
  assert.equal(shown.status, 200);
  const tagged = await api.get(drift, { headers: { 'if-none-match': shown.headers.get('etag') ?? '' } });
  assert.equal(tagged.status, 304);

  const synced = await api.post('/v1/admin/sync-vyos-config?repair=true', {});
  assert.equal(synced.status, 200, JSON.stringify(synced.body));
  assert.deepEqual(synced.body, {
    status: 'success',
    message: 'Checked 1 router: 1 difference, repaired.',
    report: { added: 0, deleted: 0, updated: 1, no_change: 3 },
  });
  await eventuallyHolds(() => assertRouterEqualsApi(api, router));
  const ended = (await api.get(`${drift}?ended=true&limit=1`)).body;
  assert.equal(ended.items[0].state, 'repaired');

  const policies = { policies: [{ path: 'nat destination', policy: 'accept' }] };
  const put = await api.call('PUT', `${drift}/policies`, { body: policies });
  assert.deepEqual(put.body, policies);
  await router.person({
    commands: [`set nat destination rule ${ssh} disable`, `delete nat destination rule ${ssh + 1}`],
  });
  await api.post(`${drift}/check`, { wait: 30 });
  await eventuallyHolds(
    async () => {
      const { ports } = (await api.get('/v1/vms/web/ports/status')).body;
      assert.deepEqual(
        [ports.ssh.status, ports.http.status, ports.https.status],
        ['disabled', 'not_active', 'enabled'],
      );
    },
    { timeoutMs: 30_000 },
  );
  assert.ok('disable' in (await ruleAt(berth, ssh)));
  await eventuallyHolds(async () => assert.equal((await api.get(drift)).body.status, 'clean'));
  await eventuallyHolds(() => assertRouterEqualsApi(api, router));
});

test('the routes of drift say what is wrong, and what only admins may do', async () => {
  const { api } = await shared();
  assert.equal((await api.get('/v1/routers/nowhere/drift')).status, 404);
  assert.equal((await api.post('/v1/routers/nowhere/drift/check', { wait: 1 })).body.code, 'ROUTER_UNKNOWN');
  const wrong = { policies: [{ path: 'system login', policy: 'repair' }] };
  const refused = await api.call('PUT', `${drift}/policies`, { body: wrong });
  assert.deepEqual([refused.status, refused.body.errors[0].field], [422, 'policies[0].path']);
  assert.equal((await api.post(`${drift}/check`, { whatever: 1 })).status, 422);
  const key = (await api.post('/v1/admin/api-keys', { permission: 'viewer' })).body.api_key;
  assert.equal((await api.get(drift, { apiKey: key })).status, 200);
  assert.equal((await api.post(`${drift}/check`, {}, { apiKey: key })).status, 403);
  assert.equal((await api.post('/v1/admin/sync-vyos-config', {}, { apiKey: key })).status, 403);
});
