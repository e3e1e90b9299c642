import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '@berth/testing';
import { type BerthUnderTest, startBerth, startSecondRouter } from '../src/index.ts';

const inState = ({ api }: BerthUnderTest, router: string, state: string) =>
  eventually(
    async () => {
      const { body } = await api.get(`/v1/routers/${router}`);
      return body.state === state && body;
    },
    { timeoutMs: 20_000, what: `router ${router} is ${state}` },
  );

test('a router that is added at run time gets VMs beside the first, with two drivers, until it is removed', async (t) => {
  const berth = await startBerth(t, { replicas: 2 });
  const { api } = berth;
  const { router, settings } = await startSecondRouter(t);

  const tried = await api.post('/v1/routers/test', settings);
  assert.deepEqual([tried.status, tried.body.ok], [200, true], JSON.stringify(tried.body));
  const wrong = await api.post('/v1/routers/test', { ...settings, key: 'wrong' });
  assert.deepEqual([wrong.status, wrong.body.ok], [200, false]);

  const added = await api.post('/v1/routers', { name: 'edge', ...settings });
  assert.equal(added.status, 201, JSON.stringify(added.body));
  assert.equal(added.headers.get('location'), '/v1/routers/edge');
  assert.equal((await api.post('/v1/routers', { name: 'edge', ...settings })).status, 201);
  assert.equal((await api.post('/v1/routers', { name: 'edge', ...settings, key: 'x' })).body.code, 'ROUTER_NAME_TAKEN');
  await inState(berth, 'edge', 'ok');
  await eventually(async () => (await api.get('/v1/health')).body.vyos.edge === 'ok');
  await eventually(async () => (await api.get('/v1/pools?router=edge')).body.items.length === 3);

  const bodies = Array.from({ length: 6 }, (_, at) => ({ vm_name: `vm-${at}`, router: at % 2 ? 'edge' : 'default' }));
  const made = await eventually(async () => {
    const first = await api.provision(bodies[1] ?? {});
    return first.status === 201 && first;
  });
  assert.equal(made.body.router ?? 'edge', 'edge');
  const others = await Promise.all(bodies.filter((_, at) => at !== 1).map((body) => api.provision(body)));
  assert.ok(
    others.every(({ status }) => status === 201),
    JSON.stringify(others.map(({ body }) => body)),
  );
  const onEdge = JSON.stringify(router.config());
  const onFirst = JSON.stringify(await berth.router.config());
  for (const [at, { vm_name }] of bodies.entries()) {
    assert.equal(onEdge.includes(vm_name), at % 2 === 1);
    assert.equal(onFirst.includes(vm_name), at % 2 === 0);
  }
  assert.equal(router.counters().max_in_flight, 1);

  const off = await api.post('/v1/routers/edge/disable', {});
  assert.deepEqual([off.status, off.body.state, off.body.enabled], [200, 'disabled', false]);
  await eventually(async () => (await api.provision({ vm_name: 'refused', router: 'edge' })).status === 503);
  const waits = await api.provision({ vm_name: 'waits', router: 'edge' }, { headers: { prefer: 'respond-async' } });
  assert.equal(waits.status, 202, JSON.stringify(waits.body));
  assert.equal((await api.delete('/v1/routers/edge')).body.code, 'ROUTER_IN_USE');
  const on = await api.post('/v1/routers/edge/enable', {});
  assert.equal(on.status, 200);
  const operation = waits.headers.get('location') ?? '';
  await eventually(async () => (await api.get(operation)).body.state === 'succeeded', { timeoutMs: 20_000 });

  const current = await api.get('/v1/routers/edge');
  const stale = { 'if-match': `"${current.body.version - 1}"` };
  const change = { body: { wan_interface: 'eth0' } };
  assert.equal((await api.call('PATCH', '/v1/routers/edge', { ...change, headers: stale })).status, 412);
  const fresh = { 'if-match': current.headers.get('etag') ?? '' };
  assert.equal((await api.call('PATCH', '/v1/routers/edge', { ...change, headers: fresh })).status, 200);
  await inState(berth, 'edge', 'ok');

  const onEdgeNow = (await api.get('/v1/vms?router=edge')).body.items;
  for (const { name } of onEdgeNow) {
    const gone = await api.until('DELETE', `/v1/vms/${name}/decommission`, undefined, 30_000);
    assert.equal(gone.status, 200, JSON.stringify(gone.body));
  }
  assert.equal((await api.delete('/v1/routers/edge')).status, 204);
  assert.equal((await api.get('/v1/routers/edge')).status, 404);
  await eventually(
    async () => (await api.provision({ vm_name: 'late', router: 'edge' })).body.code === 'UNKNOWN_ROUTER',
  );
  await eventually(async () => (await api.get('/v1/pools?router=edge')).body.items.length === 0);
  await eventually(async () => !('edge' in (await api.get('/v1/health')).body.vyos));
  assert.equal((await api.provision({ vm_name: 'still' })).status, 201);

  const logs = readdirSync(berth.system.logs).map((file) => readFileSync(join(berth.system.logs, file), 'utf8'));
  assert.ok(logs.some((log) => log.includes('edge')));
  assert.ok(!logs.some((log) => log.includes(settings.key)));
  assert.ok(!JSON.stringify([tried, added, current, off].map(({ body }) => body)).includes(settings.key));
});
