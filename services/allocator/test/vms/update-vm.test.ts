import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { OperationKind, OperationState, PortAction, RouterState } from '@berth/contracts';
import { isKind } from '@berth/errors';
import { aPrincipal, makeWorld, type World } from '../support/world.ts';

const { PENDING, RUNNING, SUCCEEDED, FAILED } = OperationState;

const claimsOf = async (world: World, vmId: string) =>
  (
    await world.query<{ text: string }>("SELECT kind || ' ' || value AS text FROM claims WHERE vm_id = $1 ORDER BY 1", [
      vmId,
    ])
  ).map(({ text }) => text);

const mac = (last: number) => `52:54:00:00:00:0${last}`;

test('name, MAC and mapping go to the router as one revision; the old ones are given up with its verdict', async (t) => {
  const world = await makeWorld(t);
  const { vmId } = await world.provisioned({ vmName: 'Old', macAddress: mac(1), forwards: [{ name: 'ssh' }] });
  const change = await world.updateVm('old', { vmName: 'New', macAddress: '5254.0000.0002', metadata: { a: 1 } });
  assert.deepEqual([change.kind, change.state], [OperationKind.UPDATE_VM, RUNNING]);
  const { desired, operationIds } = await world.driver.change(vmId, 2n);
  assert.deepEqual([desired?.mapping?.name, desired?.mapping?.macAddress], ['New', mac(2)]);
  assert.deepEqual([desired?.rules[0]?.description, operationIds], ['berth New ssh', [change.id]]);
  assert.equal((await world.vm('old')).macAddress, mac(1), 'until the verdict it is as it was');
  for (const taken of ['old', 'new'])
    await assert.rejects(world.provision({ vmName: taken }), { code: 'VM_NAME_TAKEN' });
  await world.driver.settle(vmId, { applied: true, revision: 2n });
  const { vm } = await world.ended(change);
  assert.deepEqual([vm?.name, vm?.hostname, vm?.macAddress, vm?.metadata], ['New', 'New', mac(2), { a: 1 }]);
  assert.deepEqual(await claimsOf(world, vmId), [`mac ${mac(2)}`, 'mapping new', 'vm_name new']);
  await world.provisioned({ vmName: 'old', macAddress: mac(1) });
  assert.equal((await world.vm('NEW')).id, vmId);
});

test('a refused change leaves the VM as it was and what it wanted free', async (t) => {
  const world = await makeWorld(t);
  const { vmId } = await world.provisioned({ vmName: 'vm', macAddress: mac(1), metadata: { a: 1 } });
  const before = await world.vm('vm');
  const change = await world.updateVm('vm', {
    vmName: 'other',
    macAddress: mac(2),
    clearMetadata: true,
    ownerGroup: 'x',
  });
  await world.driver.change(vmId, 2n);
  await world.driver.settle(vmId, { applied: false, message: 'no' });
  const ended = await world.ended(change);
  assert.deepEqual([ended.state, ended.error?.message], [FAILED, 'no']);
  const { version, updatedAt, ...after } = await world.vm('vm');
  assert.deepEqual({ ...after, version: before.version, updatedAt: before.updatedAt }, before);
  assert.deepEqual(await claimsOf(world, vmId), [`mac ${mac(1)}`, 'mapping vm', 'vm_name vm']);
  await world.provision({ vmName: 'other', macAddress: mac(2) });
});

test('a mapping with a name of its own keeps it; an empty one is the VM’s name', async (t) => {
  const world = await makeWorld(t);
  const { vmId } = await world.provisioned({ vmName: 'vm', hostname: 'box', noForwards: true });
  const mappings: string[] = [];
  const updates = [{ vmName: 'a' }, { hostname: '' }, { vmName: 'b' }, { hostname: 'c' }];
  for (const [index, update] of updates.entries()) {
    const revision = BigInt(index + 2);
    await world.applied(await world.updateVm(vmId, update), revision);
    mappings.push((await world.driver.change(vmId, revision)).desired?.mapping?.name ?? '');
  }
  assert.deepEqual(mappings, ['box', 'a', 'b', 'c']);
});

test('metadata and group change at once without the router; what is so already changes nothing', async (t) => {
  const world = await makeWorld(t);
  const { vmId } = await world.provisioned({ vmName: 'vm', ownerGroup: 'blue' });
  await world.driver.report({ state: RouterState.BREAKER_OPEN });
  await world.routerReady();
  const changed = await world.updateVm('vm', { metadata: { team: 'x' }, ownerGroup: 'red' });
  assert.deepEqual([changed.state, changed.vm?.ownerGroup], [SUCCEEDED, 'red']);
  const { version, metadata } = await world.vm('vm');
  assert.deepEqual(metadata, { team: 'x' });
  const same = { vmName: 'vm', hostname: 'vm', metadata: { team: 'x' }, ownerGroup: 'red' };
  assert.equal((await world.updateVm('vm', same)).state, SUCCEEDED);
  assert.equal((await world.vm('vm')).version, version);
  assert.equal((await world.driver.change(vmId, 2n)).ownerGroup, 'red'); // nobody waits for it
  assert.deepEqual(world.driver.newest(vmId)?.desired, world.driver.changes[0]?.desired);
  assert.equal(world.driver.newest(vmId)?.revision?.number, 2n);
  await world.driver.settle(vmId, { applied: true });
  await assert.rejects(world.updateVm('vm', { vmName: 'other' }), { code: 'ROUTER_UNAVAILABLE' });
  assert.equal((await claimsOf(world, vmId)).includes('vm_name other'), false);
  await world.driver.report({});
  await world.routerReady();
  await world.applied(await world.changePorts('vm', PortAction.DISABLE, ['ssh']), 3n);
  assert.equal((await world.driver.change(vmId, 3n)).ownerGroup, 'red');
});

test('groups: nobody gives a VM to another’s group, and it sees its new owner', async (t) => {
  const world = await makeWorld(t);
  const blue = aPrincipal({ id: 'blue', group: 'blue' });
  const red = aPrincipal({ id: 'red', group: 'red' });
  await world.provisioned({ vmName: 'vm', ownerGroup: 'blue' });
  for (const ownerGroup of ['red', '']) {
    await assert.rejects(world.updateVm('vm', { ownerGroup }, { principal: blue }), { code: 'OWNER_GROUP_FORBIDDEN' });
  }
  await assert.rejects(world.updateVm('vm', { vmName: 'x' }, { principal: red }), { code: 'VM_NOT_FOUND' });
  await world.updateVm('vm', { ownerGroup: 'red' });
  await assert.rejects(world.vm('vm', blue), { kind: 'not_found' });
  assert.equal((await world.vm('vm', red)).ownerGroup, 'red');
  await world.query("UPDATE pools SET groups = '{red}' WHERE kind = 'port-pools'");
  await assert.rejects(world.updateVm('vm', { ownerGroup: 'blue' }), { kind: 'conflict', code: 'POOL_NOT_FOR_GROUP' });
  assert.equal((await world.vm('vm')).ownerGroup, 'red');
});

test('what is wrong is named, what is taken is a conflict', async (t) => {
  const world = await makeWorld(t);
  await world.provisioned({ vmName: 'vm', macAddress: mac(1) });
  await world.provisioned({ vmName: 'other', macAddress: mac(2), hostname: 'box' });
  await assert.rejects(world.updateVm('vm', { vmName: 'OTHER', macAddress: mac(3) }), { code: 'VM_NAME_TAKEN' });
  await assert.rejects(world.updateVm('vm', { macAddress: mac(2) }), { code: 'MAC_TAKEN' });
  await assert.rejects(world.updateVm('vm', { vmName: 'box' }), { code: 'HOSTNAME_TAKEN' });
  for (const wrong of [{ vmName: 'a b' }, { macAddress: 'x' }, { hostname: '-' }, { ownerGroup: 'x'.repeat(101) }]) {
    await assert.rejects(world.updateVm('vm', wrong), { kind: 'invalid' });
  }
  await world.provisioned({ vmName: 'free', macAddress: mac(3) }); // nothing was kept of what was refused
});

test('of many who want one name, one gets it', async (t) => {
  const world = await makeWorld(t, { replicas: 2 });
  const names = ['a', 'b', 'c', 'd', 'e'];
  await Promise.all(names.map((vmName) => world.provisioned({ vmName })));
  const results = await Promise.allSettled([
    ...names.map((name) => world.updateVm(name, { vmName: 'Wanted' })),
    ...names.map((_, index) => world.provision({ vmName: 'wanted', hostname: `h-${index}` })),
  ]);
  const lost = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  assert.equal(lost.length, results.length - 1);
  assert.ok(lost.every((error) => isKind(error, 'conflict') && error.code.endsWith('_TAKEN')));
});

test('an update waits behind what is on its way and goes alone; its names are taken from its acceptance on', async (t) => {
  const world = await makeWorld(t);
  const { vmId } = await world.provisioned({ vmName: 'vm', macAddress: mac(1), forwards: [{ name: 'ssh' }] });
  const running = await world.changePorts('vm', PortAction.DISABLE, ['ssh']);
  const first = await world.updateVm('vm', { vmName: 'first' });
  const second = await world.updateVm('vm', { vmName: 'vm', macAddress: mac(2) });
  const ports = await world.changePorts('vm', PortAction.ENABLE, ['ssh']);
  assert.deepEqual([first.state, second.state, ports.state], [PENDING, PENDING, PENDING]);
  await assert.rejects(world.provision({ vmName: 'first' }), { code: 'VM_NAME_TAKEN' });
  await assert.rejects(world.provision({ vmName: 'x', macAddress: mac(2) }), { code: 'MAC_TAKEN' });
  const { vmId: rival } = await world.provisioned({ vmName: 'rival' });
  await assert.rejects(world.updateVm('vm', { vmName: 'rival' }), { code: 'VM_NAME_TAKEN' });
  await world.driver.settle(vmId, { applied: true, revision: 2n });
  await world.ended(running);
  assert.deepEqual((await world.driver.change(vmId, 3n)).operationIds, [first.id]);
  await world.driver.settle(vmId, { applied: true, revision: 3n });
  assert.equal((await world.ended(first)).vm?.name, 'first');
  // The next update wants the old name back: it was never free in between.
  await assert.rejects(world.updateVm(rival, { vmName: 'vm' }), { code: 'VM_NAME_TAKEN' });
  await world.driver.change(vmId, 4n);
  await world.driver.settle(vmId, { applied: false, revision: 4n });
  assert.equal((await world.ended(second)).state, FAILED);
  assert.deepEqual((await world.driver.change(vmId, 5n)).operationIds, [ports.id]);
  await world.driver.settle(vmId, { applied: true, revision: 5n });
  await world.ended(ports);
  assert.deepEqual(await claimsOf(world, vmId), [`mac ${mac(1)}`, 'mapping first', 'vm_name first']);
});

test('an update behind a removal that succeeds keeps nothing', async (t) => {
  const world = await makeWorld(t);
  const { vmId } = await world.provisioned({ vmName: 'vm' });
  const removal = await world.decommission('vm');
  const update = await world.updateVm('vm', { vmName: 'other' });
  await world.driver.change(vmId, 2n);
  await world.driver.settle(vmId, { applied: true, revision: 2n });
  await world.ended(removal);
  assert.equal((await world.ended(update)).error?.code, 'VM_NOT_FOUND');
  assert.deepEqual(await claimsOf(world, vmId), []);
});

test('If-Match: a change of another version than the caller saw is refused, also one that would wait', async (t) => {
  const world = await makeWorld(t, { replicas: 2 });
  const { vmId } = await world.provisioned({ vmName: 'vm' });
  const { version } = await world.vm('vm');
  const mismatch = { kind: 'precondition_failed', code: 'VERSION_MISMATCH' };
  const stale = { ifVersion: version + 1n };
  await assert.rejects(world.changePorts('vm', PortAction.DISABLE, ['ssh'], stale), mismatch);
  await assert.rejects(world.changeForwards('vm', { delete: ['ssh'] }, stale), mismatch);
  await assert.rejects(world.updateVm('vm', { metadata: {} }, stale), mismatch);
  await assert.rejects(world.decommission('vm', stale), mismatch);
  const race = async () => {
    const ifVersion = (await world.vm(vmId)).version;
    const names = [vmId, vmId.toUpperCase(), vmId, vmId.toUpperCase()];
    const results = await Promise.allSettled(
      names.map((name) => world.updateVm(name, { metadata: { by: randomUUID() } }, { ifVersion })),
    );
    const lost = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    assert.deepEqual(
      lost.map(({ code }) => code),
      ['VERSION_MISMATCH', 'VERSION_MISMATCH', 'VERSION_MISMATCH'],
    );
    return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  };
  const running = await world.updateVm('vm', { vmName: 'other' }, { ifVersion: version });
  const waiting = await race();
  assert.deepEqual(
    waiting.map(({ state }) => state),
    [PENDING],
  );
  await world.driver.change(vmId, 2n);
  await world.driver.settle(vmId, { applied: true, revision: 2n });
  await world.ended(running);
  await race();
});

test('no two results of one transaction have one version', async (t) => {
  const world = await makeWorld(t);
  const provision = await world.provision({ vmName: 'vm', noForwards: true, metadata: { step: 1 } });
  const behind = await world.updateVm('vm', { metadata: { step: 2 } });
  await world.driver.settle(provision.vmId, { applied: true });
  const made = (await world.ended(provision)).vm;
  const updated = (await world.ended(behind)).vm;
  assert.deepEqual([made?.metadata, updated?.metadata], [{ step: 1 }, { step: 2 }]);
  assert.equal(updated?.version, (await world.vm('vm')).version);
  assert.equal(made?.version, (updated?.version ?? 0n) - 1n);
  const stale = { ifVersion: made?.version ?? 0n };
  await assert.rejects(world.updateVm('vm', { metadata: { step: 3 } }, stale), { code: 'VERSION_MISMATCH' });
});

test('updates that name one VM by name and by id in one transaction leave a version each', async (t) => {
  const world = await makeWorld(t);
  const { vmId } = await world.provisioned({ vmName: 'vm', noForwards: true });
  await world.provisioned({ vmName: 'other', noForwards: true });
  const letGo = await world.holdRouters();
  const before = world.updateVm('other', { metadata: { step: 0 } });
  await world.someoneWaits();
  const both = [world.updateVm('vm', { metadata: { step: 1 } }), world.updateVm(vmId, { metadata: { step: 2 } })];
  await world.vm('vm'); // whoever answers this has queued what came before it
  await letGo();
  await before;
  const results = (await Promise.all(both)).map(({ vm }) => vm);
  assert.deepEqual(
    results.map((vm) => vm?.metadata),
    [{ step: 1 }, { step: 2 }],
  );
  const [first, second] = results.map((vm) => vm?.version ?? 0n);
  assert.equal(second, (first ?? 0n) + 1n);
});
