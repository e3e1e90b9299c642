import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OperationKind, VmService } from '@berth/contracts';
import { request } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { adopt, anAdmin, handMadeWorld, preview } from '../support/adoptable-side.ts';
import { BulkSide, settleAll } from '../support/bulk-world.ts';
import { addPool, numbersOutOfStep } from '../support/with-pools.ts';
import type { World } from '../support/world.ts';

const balances = async (world: World) => assert.deepEqual(await numbersOutOfStep(world), []);

const heldBy = async (world: World, first: number, last: number, kind: string): Promise<string[]> => {
  const rows = await world.query<{ kind: string }>(
    `SELECT a.kind FROM allocations a JOIN spaces s ON s.id = a.space_id AND s.kind = $3
     WHERE a.held && int8range($1, $2, '[]') ORDER BY a.id`,
    [first, last, kind],
  );
  return rows.map((row) => row.kind);
};

test('an adoption that the router confirms makes VMs whose values never were free; one that it refuses leaves them to others', async (t) => {
  const world = await handMadeWorld(t, 2);
  const bulks = new BulkSide(world);
  const bulkId = await adopt(world);
  const changes = await eventually(() => (world.driver.changes.length === 2 ? world.driver.changes : undefined));
  assert.ok(changes.every(({ adopts }) => adopts));
  const [one, other] = changes.toSorted((a, b) =>
    (a.desired?.mapping?.name ?? '') < (b.desired?.mapping?.name ?? '') ? -1 : 1,
  );
  assert.ok(one && other);
  const { number, inboundInterface, destinationAddress, destinationPort, description } = one.desired?.rules[0] ?? {};
  assert.deepEqual(
    [number, inboundInterface, destinationAddress, destinationPort, description],
    [101, '', '', '40001', ''],
  );
  assert.deepEqual(await heldBy(world, 40_001, 40_002, 'tcp'), ['vm', 'vm']);
  await balances(world);

  await world.driver.settle(one.resourceId, { applied: true });
  const refusal = {
    applied: false,
    code: 'ROUTER_CONFLICT',
    message: 'It stands otherwise.',
    conflict: { kind: 4, firstNumber: 102, lastNumber: 102 },
  };
  await world.driver.settle(other.resourceId, refusal);
  const bulk = await bulks.ended(bulkId);
  assert.deepEqual([bulk.succeeded, bulk.failed], [1, 1]);
  assert.deepEqual(await bulks.codes(bulkId), ['', 'ROUTER_CONFLICT']);

  // What was refused is others' as before, in the transaction that took the verdict: nobody can have it.
  assert.deepEqual((await heldBy(world, 40_001, 40_002, 'tcp')).toSorted(), ['foreign', 'vm']);
  assert.deepEqual((await heldBy(world, 101, 102, 'rule')).toSorted(), ['foreign', 'vm']);
  await assert.rejects(world.provision({ vmName: 'x', macAddress: '52:54:00:00:00:02' }), { code: 'MAC_TAKEN' });
  await assert.rejects(world.provision({ vmName: 'host-2' }), { code: 'HOSTNAME_TAKEN' });
  await assert.rejects(world.vm('host-2'), { code: 'VM_NOT_FOUND' });
  assert.equal((await world.vm('host-1')).internalIp, '10.0.10.2');
  await balances(world);

  const again = await adopt(world, { mappings: ['host-2'] });
  const change = await eventually(() => world.driver.changes.find((c) => c.adopts && ![one, other].includes(c)));
  await world.driver.settle(change.resourceId, { applied: true });
  assert.equal((await bulks.ended(again)).succeeded, 1);
});

test('a change that adopts is sent again as one that adopts while its verdict is overdue, and later changes are not', async (t) => {
  const world = await handMadeWorld(t, 1, { config: { resendAfterSeconds: 1 } });
  await adopt(world);
  const changes = await eventually(() => (world.driver.changes.length >= 2 ? world.driver.changes : undefined));
  assert.ok(changes.every(({ adopts }) => adopts));
  const vmId = changes[0]?.resourceId ?? '';
  await world.driver.settle(vmId, { applied: true });
  const changing = await eventually(() =>
    world
      .changeForwards('host-1', { update: [{ name: 'ssh', enabled: false }], create: [], delete: [] })
      .catch(() => undefined),
  );
  const change = await world.driver.change(vmId, 2n);
  assert.deepEqual(
    [change.adopts, change.desired?.rules[0]?.disabled, change.desired?.rules[0]?.destinationAddress],
    [false, true, ''],
  );
  await world.applied(changing, 2n);
});

test('what VMs hold already cannot be adopted, and says by whom it is held', async (t) => {
  const world = await handMadeWorld(t, 3);
  // Made before Berth knew of what stands on the router, or in the books only.
  await world.query(
    "INSERT INTO claims (kind, scope, value, vm_id) VALUES ('vm_name', '', 'host-1', gen_random_uuid())",
  );
  await world.query(
    `UPDATE allocations SET kind = 'quarantine', vm_id = gen_random_uuid(), until = now() + interval '1 hour', former_group = '', former_name = ''
     WHERE held @> 40002::int8 AND kind = 'foreign'`,
  );
  const { items, counts } = await preview(world);
  const reasons = items
    .filter(({ adoptable }) => !adoptable)
    .map(({ mapping, rule, reason }) => `${mapping} ${rule}: ${reason}`);
  assert.match(reasons.join('\n'), /host-1 0: has the name host-1, which the VM/);
  assert.match(reasons.join('\n'), /host-2 102: has the external port tcp 40002, which was given up not long ago/);
  assert.ok(counts);
  assert.deepEqual(counts.adoptableMappings, 2);
});

test('a rule that names no address holds its ports on every external address, also on one that comes later', async (t) => {
  const world = await handMadeWorld(t, 1);
  t.after(settleAll(world));
  const bulk = await adopt(world);
  await new BulkSide(world).ended(bulk);
  const ranges = [{ first: 40_000, last: 40_009 }];
  await addPool(world, { kind: 'port-pools', name: 'second', externalIp: '198.51.100.9', ranges });
  // The driver's next reading does not name it any more.
  world.driver.holdings = [];
  await world.driver.report({});
  await world.routerReady();
  assert.deepEqual(await heldBy(world, 40_001, 40_001, 'tcp'), ['vm', 'vm']);
  const wanted = { vmName: 'late', portPool: 'second', forwards: [{ name: 'ssh', externalPort: 40_001 }] };
  await assert.rejects(world.provision(wanted), { code: 'EXTERNAL_PORT_TAKEN' });
  await balances(world);

  const removal = await world.changeForwards('host-1', { create: [], update: [], delete: ['ssh'] });
  await world.ended(removal);
  assert.deepEqual(await heldBy(world, 40_001, 40_001, 'tcp'), ['quarantine', 'quarantine']);
  await world.ended(await world.decommission('host-1'));
  await balances(world);
});

test('a forward that moves to another external port becomes one of Berth’s own form', async (t) => {
  const world = await handMadeWorld(t, 1);
  t.after(settleAll(world));
  await new BulkSide(world).ended(await adopt(world));
  const update = [{ name: 'ssh', externalPort: 32_500 }];
  const { vmId } = await world.ended(await world.changeForwards('host-1', { create: [], update, delete: [] }));
  const rule = world.driver.newest(vmId)?.desired?.rules[0];
  assert.deepEqual(
    [rule?.number, rule?.inboundInterface, rule?.destinationAddress, rule?.destinationPort, rule?.description],
    [101, 'eth0', '203.0.113.2', '32500', 'berth host-1 ssh'],
  );
  await balances(world);
});

test('hundreds of hosts are adopted once each, whoever asks twice at once, and over the death of a replica', async (t) => {
  const world = await handMadeWorld(t, 300, { replicas: 2 });
  const third = await world.startReplica();
  t.after(settleAll(world));
  const bulks = new BulkSide(world);
  const ids = await Promise.all([adopt(world), adopt(world)]);
  await eventually(() => world.driver.changes.length > 50);
  await third.stop();
  const ended = await Promise.all(ids.map((id) => bulks.ended(id, 120_000)));
  assert.equal(
    ended.reduce((sum, { succeeded }) => sum + succeeded, 0),
    300,
  );
  const codes = new Set((await Promise.all(ids.map((id) => bulks.codes(id)))).flat());
  for (const code of codes)
    assert.ok(['', 'VM_NAME_TAKEN', 'MAC_TAKEN', 'HOSTNAME_TAKEN', 'ADOPTION_CONFLICT'].includes(code), code);
  const [{ vms, held } = {}] = await world.query<{ vms: number; held: number }>(
    `SELECT (SELECT count(*)::int FROM vms WHERE state = 'active') AS vms,
       (SELECT count(*)::int FROM allocations WHERE kind = 'vm') AS held`,
  );
  assert.deepEqual([vms, held], [300, 900]);
  await balances(world);
});

test('adopting is not for groups, nor for who may not administer routers or change VMs', async (t) => {
  const world = await handMadeWorld(t, 1);
  for (const principal of [anAdmin({ group: 'team' }), anAdmin({ permissions: ['vms:read', 'vms:write'] })]) {
    await assert.rejects(preview(world, principal), { code: 'PERMISSION_DENIED' });
    await assert.rejects(adopt(world, { all: true }, principal), { code: 'PERMISSION_DENIED' });
  }
  const reader = anAdmin({ permissions: ['vms:read', 'routers:admin'] });
  await assert.rejects(adopt(world, { all: true }, reader), { code: 'PERMISSION_DENIED' });
});

test('a name for what is not adopted, and what cannot be kept, are refused by their fields', async (t) => {
  const world = await handMadeWorld(t, 2);
  t.after(settleAll(world));
  const refused = async (asked: Parameters<typeof adopt>[1]) => {
    const error = await adopt(world, asked).then(assert.fail, (thrown) => thrown);
    return error.details.fields?.map(({ field }: { field: string }) => field);
  };
  const names = { 'host-1': 'one', 'host-2': 'two', nobody: 'three' };
  assert.deepEqual(await refused({ all: true, names }), ['names.nobody']);
  assert.deepEqual(await refused({ mappings: ['host-1'], names }), ['names.host-2', 'names.nobody']);
  assert.deepEqual(await refused({ rules: [101], names: { 'host-2': 'two' } }), ['names.host-2']);
  assert.deepEqual(await refused({ mappings: ['\0'] }), ['mappings']);
  assert.deepEqual(await refused({ all: true, metadata: { a: ['\0'] } }), ['metadata']);

  // What was adopted by the first try is there no more: its repetition is answered all the same.
  const key = { key: 'k', scope: 's', fingerprint: new Uint8Array([1]) };
  const wish = { rules: [101], names: { 'host-1': 'one' } };
  const first = await adopt(world, wish, anAdmin(), key);
  await new BulkSide(world).ended(first);
  assert.equal((await world.vm('one')).name, 'one');
  assert.equal(await adopt(world, { rules: [101, 102], names: { 'host-1': 'one' } }, anAdmin(), key), first);
});

test('operations can be asked for by what they do, adoptions too', async (t) => {
  const world = await handMadeWorld(t, 1);
  t.after(settleAll(world));
  await new BulkSide(world).ended(await adopt(world));
  const list = (kind: OperationKind) => {
    const filter = { kinds: [kind] };
    const asked = { principal: anAdmin(), pageSize: 10, filter };
    return request(world.bus, VmService.method.listOperations, asked, { timeoutMs: 20_000 });
  };
  const { operations } = await list(OperationKind.ADOPT_VM);
  assert.deepEqual(
    operations.map(({ vmName }) => vmName),
    ['host-1'],
  );
  assert.deepEqual((await list(OperationKind.PROVISION_VM)).operations, []);
});

test('a removal that waits behind an adoption does not take that back: what stands on the router is removed', async (t) => {
  const world = await handMadeWorld(t, 1);
  await adopt(world);
  const { resourceId } = await eventually(() => world.driver.changes.find(({ adopts }) => adopts));
  const removal = await world.decommission(resourceId);
  await world.driver.settle(resourceId, { applied: true, revision: 1n });
  assert.equal((await world.driver.change(resourceId, 2n)).desired, undefined);
  assert.deepEqual(
    world.driver.changes.filter(({ withdraws }) => withdraws),
    [],
  );
  await world.applied(removal, 2n);
});
