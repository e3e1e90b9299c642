import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '@berth/testing';
import { type BerthUnderTest, sharedBerth, startBerth } from '../src/index.ts';

const router = '/v1/routers/default';
const shared = sharedBerth({ env: { BERTH_QUARANTINE_SECONDS: '600' } });

const linesAt = async ({ api }: BerthUnderTest, at?: string | number): Promise<string[]> => {
  const { status, body } = await api.get(
    `${router}/config?part=owned&format=lines${at === undefined ? '' : `&at=${at}`}`,
  );
  assert.equal(status, 200, JSON.stringify(body));
  return body.lines;
};

const newest = async ({ api }: BerthUnderTest): Promise<{ id: string; number: number }> =>
  (await api.get(`${router}/commits?limit=1`)).body.items[0];

/** Applies a plan and waits for its end; gives back its items. */
async function apply({ api }: BerthUnderTest, id: string) {
  const applied = await api.post(`/v1/plans/${id}/apply`, {});
  assert.ok([200, 202, 207].includes(applied.status), JSON.stringify(applied.body));
  const bulk = await eventually(async () => {
    const { body } = await api.get(`/v1/bulks/${id}`);
    return body.state === 'running' ? undefined : body;
  });
  const { body } = await api.get(`/v1/bulks/${id}/items`);
  assert.equal(bulk.state, 'succeeded', JSON.stringify(body));
  return body.items;
}

const ok = async (answer: Promise<{ status: number; body: unknown }>) => {
  const { status, body } = await answer;
  assert.ok(status < 300, JSON.stringify(body));
};

/** VMs of several kinds, with odd numbers. */
async function populate({ api }: BerthUnderTest): Promise<void> {
  await ok(
    api.provision({
      vm_name: 'gone',
      metadata: { a: 1 },
      ports: ['ssh', { name: 'db', internal_port: 5432, sources: ['10.0.0.1', '10.0.0.2'] }],
    }),
  );
  await ok(api.provision({ vm_name: 'changed', metadata: { team: 'x' } }));
  await ok(
    api.call('PATCH', '/v1/vms/changed/forwards', {
      body: { create: [{ name: 'range', internal_ports: '6000-6003' }] },
    }),
  );
  await ok(api.provision({ vm_name: 'same' }));
}

/** What people do in an afternoon. */
async function changeMuch({ api }: BerthUnderTest): Promise<void> {
  await ok(api.provision({ vm_name: 'late' }));
  await ok(api.decommission('gone'));
  await ok(api.call('PATCH', '/v1/vms/changed', { body: { vm_name: 'renamed', metadata: { team: 'y' } } }));
  await ok(
    api.call('PATCH', '/v1/vms/renamed/forwards', {
      body: { create: [{ name: 'extra', internal_port: 7000 }], delete: ['range'] },
    }),
  );
  await ok(api.post('/v1/vms/renamed/ports/template', { action: 'disable', ports: ['ssh'] }));
}

test('a rollback plan gives the router and the books back exactly what they were after a commit', async () => {
  const berth = await shared();
  const { api } = berth;
  await populate(berth);
  const [gone, changed] = [(await api.get('/v1/vms/gone')).body, (await api.get('/v1/vms/changed')).body];
  const then = await newest(berth);
  const before = await linesAt(berth);
  await changeMuch(berth);
  assert.notDeepEqual(await linesAt(berth), before);

  const plan = await api.post(`${router}/rollback`, { to: then.number, expires_in_seconds: 300 });
  assert.equal(plan.status, 201, JSON.stringify(plan.body));
  assert.deepEqual([plan.body.state, plan.body.kind, plan.body.refused], ['open', 'bulk', []]);
  assert.ok(plan.body.routers[0].inverse.lines.length > 0);
  const held = await api.provision({ vm_name: 'gone' });
  assert.deepEqual([held.status, held.body.code], [409, 'VM_NAME_TAKEN']);
  await apply(berth, plan.body.id);

  assert.deepEqual(await linesAt(berth), before);
  assert.deepEqual(await linesAt(berth, then.id), before);
  const back = (await api.get('/v1/vms/gone')).body;
  assert.notEqual(back.id, gone.id);
  const known = ({ id: __, version: ___, created_at: ____, updated_at: _____, ...rest }: Record<string, unknown>) =>
    rest;
  assert.deepEqual(known(back), known(gone));
  assert.deepEqual(known((await api.get('/v1/vms/changed')).body), known(changed));
  assert.equal((await api.get('/v1/vms/late')).status, 404);
  const again = await api.post(`${router}/rollback`, { to: then.id });
  assert.deepEqual([again.status, again.body.code], [409, 'NOTHING_TO_RESTORE']);
});

test('what others hold now blocks a rollback, or is left out of it', async (t) => {
  const berth = await startBerth(t, {
    env: { BERTH_QUARANTINE_SECONDS: '1', BERTH_ADDRESS_RANGE: '10.10.2.10-10.10.2.11' },
  });
  const { api } = berth;
  await ok(api.provision({ vm_name: 'first' }));
  await ok(api.provision({ vm_name: 'second' }));
  const then = await newest(berth);
  await ok(api.decommission('first'));
  await ok(api.decommission('second'));
  const empty = await newest(berth);
  await eventually(async () => (await api.provision({ vm_name: 'other' })).status === 201);
  const blocked = await api.post(`${router}/rollback`, { to: then.number });
  assert.deepEqual([blocked.status, blocked.body.code], [409, 'ROLLBACK_BLOCKED']);
  const [first] = blocked.body.errors;
  assert.equal(first.field, 'first');
  assert.match(first.message, /is held by the VM other/);
  const plan = await api.post(`${router}/rollback`, { to: then.number, reduce: true });
  assert.equal(plan.status, 201, JSON.stringify(plan.body));
  assert.deepEqual(plan.body.vms.map((vm: { vm_name: string; removed: boolean }) => [vm.vm_name, vm.removed]).sort(), [
    ['other', true],
    ['second', false],
  ]);
  assert.equal(plan.body.refused[0].problem.errors[0].field, 'first');
  assert.equal((await api.delete(`/v1/plans/${plan.body.id}`)).status, 204);
  const all = await api.post(`${router}/rollback`, { to: empty.number });
  assert.equal(all.status, 201, JSON.stringify(all.body));
  await apply(berth, all.body.id);
  assert.deepEqual(await linesAt(berth), []);
  const none = await api.post(`${router}/rollback`, { to: 999 });
  assert.equal(none.status, 404, JSON.stringify(none.body));
  const key = (await api.post('/v1/admin/api-keys', { permission: 'operator' })).body.api_key;
  const refused = await api.post(`${router}/rollback`, { to: then.number }, { apiKey: key });
  assert.equal(refused.status, 403, JSON.stringify(refused.body));
});

test('a backup is restored exactly, also after much has changed, and again under the ids that this gave', async () => {
  const berth = await shared();
  const { api } = berth;
  await populate(berth);
  const backup = await api.get(`${router}/backup`);
  assert.equal(backup.status, 200, JSON.stringify(backup.body));
  assert.deepEqual([backup.body.format, backup.body.router, backup.body.vms.length], [1, 'default', 3]);
  const before = await linesAt(berth);
  for (let round = 0; round < 2; round++) {
    await changeMuch(berth);
    const plan = await api.post(`${router}/restore`, { backup: backup.body });
    assert.equal(plan.status, 201, JSON.stringify(plan.body));
    await apply(berth, plan.body.id);
    assert.deepEqual(await linesAt(berth), before);
    const again = await api.post(`${router}/restore`, { backup: backup.body });
    assert.deepEqual([again.status, again.body.code], [409, 'NOTHING_TO_RESTORE']);
  }
  const known = ({ vms }: { vms: { id: string; name: string }[] }) =>
    vms.map(({ id: _, ...rest }) => rest).sort((a, b) => (a.name < b.name ? -1 : 1));
  assert.deepEqual(known((await api.get(`${router}/backup`)).body), known(backup.body));
});

test('a backup that was tampered with, or is of another router, is refused with the place that is wrong', async () => {
  const { api } = await shared();
  await ok(api.provision({ vm_name: 'web' }));
  const { body: backup } = await api.get(`${router}/backup`);
  const [vm] = backup.vms;
  const restore = (changes: object, more: object = {}) =>
    api.post(`${router}/restore`, { backup: { ...backup, vms: [{ ...vm, ...changes }], ...more } });
  for (const [changes, field] of [
    [{ colour: 'red' }, 'backup.vms[0]'],
    [{ rules: { first: 'x' } }, 'backup.vms[0]'],
    [{ name: "a'b" }, 'vms[0].name'],
    [{ wan_interface: "eth0' x" }, 'vms[0].wan_interface'],
    [{ forwards: [{ ...vm.forwards[0], description: "it's" }] }, 'vms[0].forwards[0].description'],
    [{ forwards: [{ ...vm.forwards[0], block_rule: 1 }] }, 'vms[0].forwards[0].block_rule'],
  ] as const) {
    const refused = await restore(changes);
    assert.equal(refused.status, 422, JSON.stringify(refused.body));
    assert.equal(refused.body.errors[0].field, field);
  }
  const other = await restore({ metadata: { a: 1 } }, { router: 'other' });
  assert.deepEqual([other.status, other.body.errors[0].field], [422, 'backup.router']);
  const meant = await api.post(`${router}/restore`, {
    backup: { ...backup, router: 'other', vms: [{ ...vm, metadata: { a: 1 } }] },
    as_router: true,
  });
  assert.equal(meant.status, 201, JSON.stringify(meant.body));
  await apply({ api } as BerthUnderTest, meant.body.id);
  assert.deepEqual((await api.get('/v1/vms/web')).body.metadata, { a: 1 });
});

test('the whole configuration is saved to a file on the router, once for each name', async () => {
  const berth = await shared();
  const { api } = berth;
  await ok(api.provision({ vm_name: 'web' }));
  const { number } = await newest(berth);
  const saved = await api.post(`${router}/files`, { name: 'one' });
  assert.equal(saved.status, 201, JSON.stringify(saved.body));
  assert.deepEqual([saved.body.state, saved.body.commit_number], ['saved', number]);
  const sent = (await berth.router.log()).filter(
    ({ path, body }) => path === '/config-file' && Object(body).file === saved.body.path,
  );
  assert.deepEqual(
    sent.map(({ status, body }) => [status, Object(body).op]),
    [[200, 'save']],
  );
  const again = await api.post(`${router}/files`, { name: 'one' });
  assert.deepEqual([again.status, again.body.code], [409, 'ROUTER_FILE_EXISTS']);
  const wrong = await api.post(`${router}/files`, { name: '../config' });
  assert.equal(wrong.status, 422, JSON.stringify(wrong.body));
  assert.equal((await api.post('/v1/routers/nowhere/files', { name: 'two' })).status, 404);
  const { items } = (await api.get(`${router}/files`)).body;
  assert.deepEqual(items, [saved.body]);
});

const lan = 'service dhcp-server shared-network-name LAN subnet 10.10.0.0/16 static-mapping printer';

test('a VM that was adopted comes back as people had written it', async () => {
  const berth = await shared();
  const { api } = berth;
  const lines = [
    `${lan} mac 52:54:00:AB:00:09`,
    `${lan} ip-address 10.10.0.109`,
    'nat destination rule 102 log',
    'nat destination rule 102 protocol tcp',
    'nat destination rule 102 destination port 2209',
    'nat destination rule 102 translation address 10.10.0.109',
    'nat destination rule 102 description handmade',
  ];
  await berth.router.person({ commands: lines.map((line) => ({ op: 'set', path: line.split(' ') })), save: true });
  await eventually(async () => {
    const { body } = await api.get(`${router}/adoptions/preview?refresh=true`);
    return body.counts.adoptable_rules === 1;
  });
  await ok(api.post(`${router}/adoptions`, { mappings: ['printer'] }));
  await ok(api.provision({ vm_name: 'web' })); // a commit whose result has both
  const before = await linesAt(berth);
  assert.ok(before.some((line) => line.includes('52:54:00:AB:00:09')));
  const then = await newest(berth);
  await ok(api.decommission('printer'));
  await ok(api.decommission('web'));
  const plan = await api.post(`${router}/rollback`, { to: then.number });
  assert.equal(plan.status, 201, JSON.stringify(plan.body));
  await apply(berth, plan.body.id);
  assert.deepEqual(await linesAt(berth), before);
});

// The last, since its values rest afterwards.
test('more VMs than a plan takes are restored in parts', async () => {
  const berth = await shared();
  const { api } = berth;
  const names = Array.from({ length: 205 }, (_, index) => `many-${index}`);
  const items = names.map((vm_name) => ({ vm_name, ports: ['ssh'] }));
  await ok(api.post('/v1/vms/bulk-provision', { items }, { headers: { prefer: 'wait=100' } }));
  const { body: backup } = await api.get(`${router}/backup`);
  assert.equal(backup.vms.length, names.length);
  const before = await linesAt(berth);
  const removals = names.map((machine_id) => ({ machine_id }));
  await ok(api.post('/v1/vms/bulk-decommission', { items: removals }, { headers: { prefer: 'wait=100' } }));
  assert.deepEqual(await linesAt(berth), []);
  const whole = await api.post(`${router}/restore`, { backup });
  assert.deepEqual([whole.status, whole.body.code], [413, 'ROLLBACK_TOO_LARGE']);
  const sizes: number[] = [];
  for (;;) {
    const plan = await api.post(`${router}/restore`, { backup, in_parts: true });
    if (plan.body.code === 'NOTHING_TO_RESTORE') break;
    assert.equal(plan.status, 201, JSON.stringify(plan.body).slice(0, 1_000));
    sizes.push(plan.body.vms.length);
    await apply(berth, plan.body.id);
  }
  assert.deepEqual(sizes, [100, 100, 5]);
  assert.deepEqual(await linesAt(berth), before);
});
