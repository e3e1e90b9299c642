import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, eventuallyHolds } from '@berth/testing';
import { allVms, assertRouterEqualsApi, type BerthUnderTest, sharedBerth } from '../src/index.ts';

const async = { headers: { prefer: 'respond-async' } };
const shared = sharedBerth();
const stagesOf = (body: { stages: { stage: string }[] }) => body.stages.map(({ stage }) => stage);

/** A commit runs, and takes so long that what comes now waits. */
async function busy({ api, router }: BerthUnderTest): Promise<string> {
  await router.latency({ preset: 'instant', commit_ms: 4_000 });
  const first = await api.provision({ vm_name: 'first' }, async);
  const running = await eventually(
    async () => {
      const { body } = await api.get(`/v1/operations/${first.body.id}`);
      return stagesOf(body).includes('in_commit') ? body : undefined;
    },
    { what: 'a commit that runs' },
  );
  assert.ok(running.eta_seconds >= 1);
  assert.ok(running.progress > 0 && running.progress < 1);
  return first.body.id;
}

test('an operation tells its stages, its place, and when it should end; what waits can be cancelled, what a commit carries cannot', async () => {
  const berth = await shared();
  const { api, router } = berth;
  const first = await busy(berth);
  const before = await router.counters();

  const second = await api.provision({ vm_name: 'second' }, async);
  const third = await api.provision({ vm_name: 'third' }, async);
  const waiting = await eventually(async () => {
    const { body } = await api.get(`/v1/operations/${third.body.id}`);
    return body.position === null ? undefined : body;
  });
  assert.deepEqual(stagesOf(waiting), ['accepted', 'values_reserved', 'queued']);
  assert.equal(waiting.position, 2);
  assert.ok(waiting.eta_seconds >= 1);

  const cancelled = await api.post(`/v1/operations/${second.body.id}/cancel`, undefined);
  assert.deepEqual([cancelled.status, cancelled.body.state], [200, 'cancelled'], JSON.stringify(cancelled.body));
  const repeated = await api.post(`/v1/operations/${second.body.id}/cancel`, undefined);
  assert.deepEqual([repeated.status, repeated.body.state], [200, 'cancelled']);
  const late = await api.post(`/v1/operations/${first}/cancel`, undefined);
  assert.deepEqual([late.status, late.body.code], [409, 'OPERATION_UNDER_WAY']);

  const ended = await api.get(`/v1/operations/${third.body.id}`, { headers: { prefer: 'wait=60' } });
  assert.equal(ended.body.state, 'succeeded');
  const saved = await eventually(async () => {
    const { body } = await api.get(`/v1/operations/${third.body.id}`);
    return stagesOf(body).includes('saved') ? body : undefined;
  });
  assert.deepEqual(stagesOf(saved), ['accepted', 'values_reserved', 'queued', 'in_commit', 'applied', 'saved']);
  assert.equal(saved.progress, 1);
  const tooLate = await api.post(`/v1/operations/${third.body.id}/cancel`, undefined);
  assert.deepEqual([tooLate.status, tooLate.body.code], [409, 'OPERATION_ENDED']);
  assert.deepEqual((await allVms(api)).map(({ machine_id }) => machine_id).sort(), ['first', 'third']);
  assert.equal((await router.counters()).commits - before.commits, 2, 'the one that ran, and that of the third');
  await eventuallyHolds(() => assertRouterEqualsApi(api, router));

  const listed = await api.get('/v1/operations?state=succeeded&limit=1');
  assert.equal('position' in listed.body.items[0], false, 'what a list does not ask for');
  assert.equal(listed.body.items[0].id, third.body.id);
  const older = await api.get(`/v1/operations?state=succeeded&limit=1&cursor=${listed.body.next_cursor}`);
  assert.equal(older.body.items[0].id, first);
  assert.equal((await api.get('/v1/operations?state=nonsense')).status, 422);
  const again = await api.provision({ vm_name: 'second' });
  assert.equal(again.status, 201, JSON.stringify(again.body));
});

test('a VM that is provisioned and removed while the router is busy never reaches it', async () => {
  const berth = await shared();
  const { api, router } = berth;
  const first = await busy(berth);
  const before = await router.counters();
  const provision = await api.provision({ vm_name: 'never' }, async);
  const removal = await api.decommission('never', { headers: { prefer: 'wait=60' } });
  assert.equal(removal.status, 200, JSON.stringify(removal.body));
  const { body } = await api.get(`/v1/operations/${provision.body.id}`);
  assert.equal(body.state, 'cancelled');
  assert.deepEqual([body.error, body.progress], [null, null]);
  assert.match(body.reason, /nothing of it was done/);
  assert.deepEqual(stagesOf(body), ['accepted', 'values_reserved', 'queued', 'cancelled']);
  await api.get(`/v1/operations/${first}`, { headers: { prefer: 'wait=60' } });
  await eventuallyHolds(() => assertRouterEqualsApi(api, router));
  assert.equal((await router.counters()).commits - before.commits, 1, 'the one that ran, and none for it');
});

test('a bulk that is cancelled: what has not begun is not done, the rest comes to its end', async () => {
  const berth = await shared();
  const { api, router } = berth;
  await busy(berth);
  const items = Array.from({ length: 300 }, (_, at) => ({ vm_name: `bulk-${at}` }));
  const bulk = await api.post('/v1/vms/bulk-provision', { items }, async);
  assert.equal(bulk.status, 202);
  await eventually(async () => (await api.get('/v1/operations?kind=provision_vm&limit=5')).body.items.length === 5);
  const cancelled = await api.post(`/v1/operations/${bulk.body.id}/cancel`, undefined, {
    headers: { prefer: 'wait=60' },
  });
  assert.deepEqual([cancelled.status, cancelled.body.state], [200, 'cancelled'], JSON.stringify(cancelled.body));
  const shown = await api.get(`/v1/bulks/${bulk.body.id}`);
  assert.equal(shown.body.state, 'cancelled');
  assert.equal(shown.body.succeeded + shown.body.failed, 300);
  assert.ok(shown.body.failed > 0);
  const repeated = await api.post(`/v1/operations/${bulk.body.id}/cancel`, undefined);
  assert.equal(repeated.status, 200);
  await eventually(async () => (await api.get('/v1/operations?state=running,pending')).body.items.length === 0);
  assert.equal((await allVms(api)).length, 1 + shown.body.succeeded);
  await eventuallyHolds(() => assertRouterEqualsApi(api, router));
});
