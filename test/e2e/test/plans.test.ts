import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answer, type BerthUnderTest, sharedBerth, startBerth } from '../src/index.ts';

const shared = sharedBerth();

type Write = { readonly method: string; readonly path: string; readonly body?: unknown };

/** The lines of every change that the router took, request by request. */
async function linesSent({ router }: BerthUnderTest): Promise<string[][]> {
  const log = await router.log();
  return log.flatMap(({ path, status, body }) => {
    if (path !== '/configure' || status !== 200) return [];
    const commands: unknown = Array.isArray(body) ? body : Object(body).commands;
    if (!Array.isArray(commands) || commands.length === 0) return [];
    return [commands.map(({ op, path: words }) => [op, ...words.map(quoted)].join(' '))];
  });
}

const quoted = (word: string): string => (/^[\w.:/@+,!*-]+$/.test(word) ? word : `'${word}'`);

const plan = (berth: BerthUnderTest, request: Write): Promise<Answer> => berth.api.post('/v1/plans', { request });

/** Plans a write, applies it, and holds what the router then gets to what the plan says. */
async function applied(berth: BerthUnderTest, write: Write, status: number): Promise<Answer> {
  const dry = await berth.api.call(write.method, `${write.path}?dry_run=true`, { body: write.body });
  assert.equal(dry.status, 200, JSON.stringify(dry.body));
  const planned = await plan(berth, write);
  assert.equal(planned.status, 201, JSON.stringify(planned.body));
  assert.equal(planned.headers.get('location'), `/v1/plans/${planned.body.id}`);
  assert.equal(planned.body.request, `${write.method} ${write.path}`);
  const [router] = planned.body.routers;
  assert.deepEqual(
    { ...dry.body.routers[0], operations: [] }.lines.filter((line: string) => !line.includes(' mac ')),
    router.lines.filter((line: string) => !line.includes(' mac ')),
  );
  const before = (await linesSent(berth)).length;
  const answer = await berth.api.post(`/v1/plans/${planned.body.id}/apply`, { hash: planned.body.hash });
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  const sent = (await linesSent(berth)).slice(before);
  // An idle router does not wait for the second of several VMs, so these may come in more commits than one.
  if (planned.body.vms.length === 1) assert.deepEqual(sent, [router.lines]);
  else assert.deepEqual(sent.flat().sort(), [...router.lines].sort());
  assert.equal((await berth.api.get(`/v1/plans/${planned.body.id}`)).body.state, 'applied');
  return planned;
}

test('a plan of what is wrong is refused as the write would be, with its fields named; what is no such write is not done', async () => {
  const berth = await shared();
  const wrong = await plan(berth, {
    method: 'POST',
    path: '/v1/vms/provision',
    body: { vm_name: 'web', colour: 'red' },
  });
  assert.equal(wrong.status, 422);
  assert.match(wrong.body.errors[0].field, /^request\.body/);
  const port = { vm_name: 'web', ports: [{ name: 'x', internal_port: 0 }] };
  const ports = await plan(berth, { method: 'POST', path: '/v1/vms/provision', body: port });
  assert.match(ports.body.errors[0].field, /^request\.body\.ports\[0\]/);
  const missing = await plan(berth, { method: 'DELETE', path: '/v1/vms/nobody/decommission' });
  assert.deepEqual([missing.status, missing.body.code], [404, 'VM_NOT_FOUND']);
  for (const request of [
    { method: 'POST', path: '/v1/admin/api-keys', body: { name: 'mine', permission: 'admin' } },
    {
      method: 'POST',
      path: '/v1/plans',
      body: { request: { method: 'POST', path: '/v1/vms/provision', body: { vm_name: 'x' } } },
    },
    { method: 'POST', path: '/v1/pools/ip-pools', body: { name: 'mine' } },
    { method: 'POST', path: '/v1/nowhere' },
  ]) {
    const refused = await plan(berth, request);
    assert.equal(refused.status, 422, JSON.stringify(refused.body));
    assert.equal(refused.body.errors[0].field, 'request.path');
  }
  const twice = await plan(berth, {
    method: 'POST',
    path: '/v1/vms/provision?dry_run=false',
    body: { vm_name: 'web' },
  });
  assert.equal(twice.status, 422, JSON.stringify(twice.body));
  assert.deepEqual((await berth.api.get('/v1/plans')).body.items, []);
  assert.deepEqual((await berth.api.get('/v1/vms')).body.items, []);
  const mine = { method: 'PATCH', path: '/v1/vms/web', body: { metadata: { a: 'b' } } };
  assert.equal((await berth.api.provision({ vm_name: 'web' })).status, 201);
  const stale = await berth.api.post('/v1/plans', { request: mine }, { headers: { 'if-match': '"99"' } });
  assert.deepEqual([stale.status, stale.body.code], [412, 'VERSION_MISMATCH']);
  const nothing = await plan(berth, mine);
  assert.deepEqual(nothing.body.routers, []);
  assert.equal((await berth.api.post(`/v1/plans/${nothing.body.id}/apply`, {})).status, 200);
  const template = { forwards: [{ name: 'ssh', internal_port: 22 }] };
  const dry = await berth.api.call('PUT', '/v1/forward-template?dry_run=true', { body: template });
  assert.deepEqual([dry.status, dry.body.forwards.length], [200, 1]);
  assert.equal((await berth.api.get('/v1/forward-template')).body.forwards.length, 3);
});

test('the lines of a plan are exactly what the router gets when it is applied, and its values exactly what is handed out', async () => {
  const berth = await shared();
  const provision = { method: 'POST', path: '/v1/vms/provision', body: { vm_name: 'web', ports: ['ssh', 'http'] } };
  const planned = await applied(berth, provision, 201);
  const [vm] = planned.body.vms;
  const made = await berth.api.get('/v1/vms/web');
  assert.equal(made.body.id ?? made.body.vm_id, vm.vm_id);
  assert.equal(made.body.internal_ip, vm.internal_ip);
  const vms = '/v1/vms/web';
  await applied(
    berth,
    { method: 'POST', path: `${vms}/ports/template`, body: { action: 'pause', ports: ['ssh'] } },
    200,
  );
  await applied(berth, { method: 'POST', path: `${vms}/ports/http`, body: { action: 'disable' } }, 200);
  await applied(
    berth,
    {
      method: 'PATCH',
      path: `${vms}/forwards`,
      body: { create: [{ name: 'db', internal_port: 5432 }], delete: ['http'] },
    },
    200,
  );
  await applied(berth, { method: 'PATCH', path: `${vms}/forwards/db`, body: { internal_port: 5433 } }, 200);
  await applied(berth, { method: 'DELETE', path: `${vms}/forwards/db` }, 200);
  await applied(berth, { method: 'PATCH', path: vms, body: { vm_name: 'www' } }, 200);
  const removal = await applied(berth, { method: 'DELETE', path: '/v1/vms/www/decommission' }, 200);
  assert.ok(removal.body.routers[0].inverse.lines.length > 0);
  const bulk = {
    method: 'POST',
    path: '/v1/vms/bulk-provision',
    body: { mode: 'atomic', items: [{ vm_name: 'a' }, { vm_name: 'b' }] },
  };
  await applied(berth, bulk, 200);
});

test('what a plan holds nobody else gets, until it is discarded', async (t) => {
  const berth = await startBerth(t, { env: { BERTH_ADDRESS_RANGE: '10.10.2.10-10.10.2.11' } });
  const provision = (vm_name: string) => ({ method: 'POST', path: '/v1/vms/provision', body: { vm_name } });
  const first = await plan(berth, provision('a'));
  await plan(berth, provision('b'));
  const none = await plan(berth, provision('c'));
  assert.equal(none.status, 507, JSON.stringify(none.body));
  assert.equal(none.body.code, 'ADDRESS_POOL_EXHAUSTED');
  assert.equal((await berth.api.provision({ vm_name: 'c' })).status, 507);
  const address = first.body.vms[0].internal_ip;
  const explained = await berth.api.get(`/v1/pools/explain?address=${address}`);
  assert.match(JSON.stringify(explained.body), /held by a plan/);
  assert.equal((await berth.api.delete(`/v1/plans/${first.body.id}`)).status, 204);
  const made = await berth.api.provision({ vm_name: 'c' });
  assert.equal(made.body.internal_ip, address, JSON.stringify(made.body));
  const gone = await berth.api.post(`/v1/plans/${first.body.id}/apply`, {});
  assert.deepEqual([gone.status, gone.body.code], [409, 'PLAN_DISCARDED']);
  const listed = await berth.api.get('/v1/plans?limit=1');
  assert.equal(listed.body.items[0].state, 'open');
  assert.ok(listed.body.next_cursor);
});
