import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventuallyHolds } from '@berth/testing';
import { allVms, assertNothingTwice, assertRouterEqualsApi, names, processesOf, startBerth } from '../src/index.ts';

const provision = '/v1/vms/bulk-provision';
const wait = { prefer: 'wait=120' };
const asLines = { 'content-type': 'application/x-ndjson', ...wait };
const lines = (vmNames: readonly string[]) => vmNames.map((vm_name) => JSON.stringify({ vm_name })).join('\n');
/** Ports for more VMs than the default pool has. That a busy machine refuses requests (OVERLOADED) is not what these tests are about. */
const roomy = { BERTH_PORT_RANGE: '32000-36000', BERTH_OVERLOADED_AFTER_MS: '0' };
const fast = { BERTH_DRIVER_LEASE_TTL_MS: '3000', BERTH_DRIVER_LEASE_MARGIN_MS: '1000' };

test('500 VMs in one request come in few commits of a router that takes a second, and go in one request', async (t) => {
  const { api, router } = await startBerth(t, { replicas: 2, env: roomy });
  await router.latency({ preset: 'instant', commit_ms: 1_000 });
  const before = await router.counters();

  const answer = await api.post(provision, lines(names('vm', 500)), { headers: asLines });
  assert.equal(answer.status, 200, JSON.stringify(answer.body).slice(0, 500));
  assert.deepEqual(
    answer.body.results.map((item: { machine_id: string }) => item.machine_id),
    names('vm', 500),
  );
  const commits = (await router.counters()).commits - before.commits;
  t.diagnostic(`${commits} commits`);
  assert.ok(commits <= 12, `${commits} commits`);
  assertNothingTwice(await allVms(api));
  await eventuallyHolds(() => assertRouterEqualsApi(api, router));

  const again = await api.post(provision, { items: [{ vm_name: 'vm-7' }, { vm_name: 'new' }] }, { headers: wait });
  assert.equal(again.status, 207);
  assert.deepEqual(
    again.body.results.map((item: { problem: { code: string } | null }) => item.problem?.code),
    ['VM_NAME_TAKEN', undefined],
  );
  const gone = await api.post('/v1/vms/bulk-decommission', { items: ['new', ...names('vm', 500)] }, { headers: wait });
  assert.deepEqual([gone.status, gone.body.succeeded], [200, 501], JSON.stringify(gone.body).slice(0, 500));
  assert.deepEqual(await allVms(api), []);
  await eventuallyHolds(() => assertRouterEqualsApi(api, router));
});

test('an atomic bulk of which the router refuses one VM leaves nothing on the router', async (t) => {
  const { api, router } = await startBerth(t, { env: roomy });
  await router.fault({ kind: 'refuse_commit', match: 'vm-23', text: 'something about this change is not right' });
  const body = { mode: 'atomic', items: names('vm', 40).map((vm_name) => ({ vm_name })) };
  const answer = await api.post(provision, body, { headers: wait });
  assert.equal(answer.status, 502, JSON.stringify(answer.body).slice(0, 500));
  assert.match(answer.body.detail, /something about this change is not right/);
  const { body: page } = await api.get(`/v1/bulks/${answer.body.operation_id}/items`);
  const codes = page.results.map((item: { problem: { code: string } }) => item.problem.code);
  assert.equal(codes[23], 'ROUTER_REFUSED');
  assert.deepEqual(new Set(codes.toSpliced(23, 1)), new Set(['BULK_ABORTED']));
  assert.deepEqual(await allVms(api), []);
  await eventuallyHolds(() => assertRouterEqualsApi(api, router));
  await router.clearFaults();
  assert.equal((await api.post(provision, body, { headers: wait })).status, 200);
});

test('kill -9 of the allocator in the middle of a bulk loses and doubles nothing', async (t) => {
  const berth = await startBerth(t, { env: { ...fast, ...roomy } });
  const { api, router } = berth;
  await router.latency({ preset: 'instant', commit_ms: 150 });
  const headers = { ...asLines, prefer: 'respond-async', 'idempotency-key': 'fleet' };
  const accepted = await api.post(provision, lines(names('vm', 400)), { headers });
  assert.equal(accepted.status, 202);
  for (const { name, pid } of processesOf(berth).services) {
    if (name.startsWith('allocator')) process.kill(pid, 'SIGKILL');
  }
  await eventuallyHolds(
    async () => {
      const { body } = await api.get(accepted.headers.get('location') ?? '', { headers: { prefer: 'wait=5' } });
      assert.equal(body.state, 'succeeded', JSON.stringify(body));
    },
    { timeoutMs: 90_000 },
  );
  const vms = await allVms(api);
  assert.equal(vms.length, 400);
  assertNothingTwice(vms);
  const replay = await api.post(provision, lines(names('vm', 400)), { headers });
  assert.deepEqual([replay.status, replay.headers.get('idempotency-replayed')], [200, 'true']);
  await eventuallyHolds(() => assertRouterEqualsApi(api, router), { timeoutMs: 30_000 });
});
