import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConflictKind, OperationState, PortAction, Protocol, VmState } from '@berth/contracts';
import { eventually } from '@berth/testing';
import { makeWorld, type World } from '../support/world.ts';

test('a refused provision ends with the router’s words and leaves nothing', async (t) => {
  const world = await makeWorld(t);
  const operation = await world.provision({ vmName: 'refused', macAddress: '52:54:00:00:00:01' });
  await world.driver.settle(operation.vmId, { applied: false, message: 'DHCP subnet is broken' });
  const end = await world.ended(operation);
  assert.equal(end.state, OperationState.FAILED);
  assert.deepEqual(
    [end.error?.kind, end.error?.code, end.error?.message],
    ['rejected', 'ROUTER_REFUSED', 'DHCP subnet is broken'],
  );
  await assert.rejects(world.vm('refused'), { code: 'VM_NOT_FOUND' });
  assert.deepEqual(await world.query('SELECT FROM allocations'), []);
  const again = await world.provision({ vmName: 'refused', macAddress: '52:54:00:00:00:01' });
  assert.equal((await world.driver.change(again.vmId)).desired?.mapping?.ipAddress, '10.0.0.2');
});

test('values that may have stood go through quarantine, although the provision failed', async (t) => {
  const world = await makeWorld(t);
  const operation = await world.provision({ vmName: 'half' });
  await world.driver.settle(operation.vmId, { applied: false, stood: true });
  await world.ended(operation);
  const other = await world.provision({ vmName: 'other' });
  assert.equal((await world.driver.change(other.vmId)).desired?.mapping?.ipAddress, '10.0.0.3');
  const same = await world.provision({ vmName: 'HALF' });
  const { desired } = await world.driver.change(same.vmId);
  assert.deepEqual([desired?.mapping?.ipAddress, desired?.rules[0]?.number], ['10.0.0.2', 10_000]);
});

test('a conflict that the router alone could see is a conflict', async (t) => {
  const world = await makeWorld(t);
  const operation = await world.provision({ vmName: 'clash' });
  await world.driver.settle(operation.vmId, { applied: false, code: 'ROUTER_CONFLICT', message: 'rule 10000 exists' });
  const { error } = await world.ended(operation);
  assert.deepEqual([error?.kind, error?.code], ['conflict', 'ROUTER_CONFLICT']);
});

test('verdicts that come twice, late, or for another revision change nothing', async (t) => {
  const world = await makeWorld(t, { replicas: 2 });
  const operation = await world.provision({ vmName: 'steady' });
  await world.driver.settle(operation.vmId, { applied: false, revision: 7n });
  await world.driver.settle(operation.vmId, { applied: true });
  await world.ended(operation);
  const change = await world.changePorts('steady', PortAction.PAUSE, ['ssh']);
  for (const applied of [true, false]) await world.driver.settle(operation.vmId, { applied, revision: 1n });
  await world.driver.change(operation.vmId, 2n);
  assert.equal((await world.operation(change.id)).state, OperationState.RUNNING);
  for (let count = 0; count < 3; count++) await world.driver.settle(operation.vmId, { applied: true, revision: 2n });
  assert.equal((await world.ended(change)).state, OperationState.SUCCEEDED);
  await world.driver.settle(operation.vmId, { applied: false, revision: 2n });
  const last = await world.provisioned({ vmName: 'after' }); // consumed behind all of them
  assert.equal(last.state, OperationState.SUCCEEDED);
  const vm = await world.vm('steady');
  assert.equal(vm.state, VmState.ACTIVE);
  assert.equal(vm.forwards.find(({ name }) => name === 'ssh')?.enabled, false);
});

test('a refused change leaves the VM as it was, and its new ports free', async (t) => {
  const world = await makeWorld(t);
  await world.provisioned({ vmName: 'vm', forwards: [{ name: 'ssh' }] });
  const before = await world.vm('vm');
  const change = await world.changePorts('vm', PortAction.CREATE, ['http', 'https']);
  assert.equal((await world.driver.change(change.vmId, 2n)).desired?.rules.length, 3);
  await world.driver.settle(change.vmId, { applied: false });
  assert.equal((await world.ended(change)).state, OperationState.FAILED);
  const after = await world.vm('vm');
  assert.deepEqual(after.forwards, before.forwards);
  assert.deepEqual(await world.query("SELECT slot FROM allocations WHERE slot <> 'ssh' AND slot <> ''"), []);
});

test('a removal frees name and MAC once the router has done it; refused, the VM is as it was', async (t) => {
  const world = await makeWorld(t);
  const first = await world.provisioned({ vmName: 'vm', macAddress: '52:54:00:00:00:01' });
  const refused = await world.decommission('vm');
  assert.equal((await world.driver.change(first.vmId, 2n)).desired, undefined);
  assert.equal((await world.vm('vm')).state, VmState.REMOVING);
  await assert.rejects(world.provision({ vmName: 'VM' }), { code: 'VM_NAME_TAKEN' });
  await world.driver.settle(first.vmId, { applied: false, message: 'commit failed' });
  assert.equal((await world.ended(refused)).state, OperationState.FAILED);
  const vm = await world.vm('vm');
  assert.deepEqual([vm.state, vm.forwards.length], [VmState.ACTIVE, 3]);

  const removal = await world.decommission(first.vmId);
  await world.driver.change(first.vmId, 3n);
  await world.driver.settle(first.vmId, { applied: true });
  const end = await world.ended(removal);
  assert.deepEqual([end.state, end.vm?.internalIp, end.vm?.forwards.length], [OperationState.SUCCEEDED, '10.0.0.2', 3]);
  await assert.rejects(world.vm('vm'), { kind: 'not_found' });
  await assert.rejects(world.decommission('vm'), { kind: 'not_found', code: 'VM_NOT_FOUND' });
  const next = await world.provision({ vmName: 'vm2', macAddress: '52:54:00:00:00:01' });
  assert.equal((await world.driver.change(next.vmId)).desired?.mapping?.ipAddress, '10.0.0.3');
});

test('a change whose verdict does not come is sent again, word for word', async (t) => {
  const world = await makeWorld(t, { config: { resendAfterSeconds: 1 } });
  const operation = await world.provision({ vmName: 'patient' });
  const sent = () => world.driver.changes.filter(({ resourceId }) => resourceId === operation.vmId);
  await eventually(() => sent().length >= 2);
  assert.deepEqual(sent()[1], sent()[0]);
  await world.driver.settle(operation.vmId, { applied: true });
  await world.ended(operation);
  const removal = await world.decommission('patient');
  await eventually(() => sent().filter(({ revision }) => revision?.number === 2n).length >= 2);
  assert.equal(world.driver.newest(operation.vmId)?.desired, undefined);
  await world.driver.settle(operation.vmId, { applied: true });
  assert.equal((await world.ended(removal)).state, OperationState.SUCCEEDED);
});

type Clash = NonNullable<Parameters<World['driver']['settle']>[1]['conflict']>;

const refuse = (world: World, vmId: string, revision: bigint, conflict: Clash, stood = false) =>
  world.driver.settle(vmId, { applied: false, revision, code: 'ROUTER_CONFLICT', message: 'taken', conflict, stood });

const valuesOf = async (world: World, vmId: string, revision: bigint) => {
  const { desired } = await world.driver.change(vmId, revision);
  return [desired?.mapping?.ipAddress, desired?.rules.map(({ number, destinationPort }) => [number, destinationPort])];
};

const { ADDRESS, MAC, PORT, RULE_NUMBER } = ConflictKind;
const number = (first: number) => ({ firstNumber: first, lastNumber: first });

test('values that we chose and others hold by now are chosen anew, three times; what the caller named is a conflict', async (t) => {
  const world = await makeWorld(t);
  const fixed = { name: 'db', internalPort: 5432, externalPort: 32_500 };
  const range = { first: '10.0.0.2', last: '10.0.0.9' };
  const provision = await world.provision({ vmName: 'vm', addressRange: range, forwards: [{ name: 'ssh' }, fixed] });
  const { vmId } = provision;
  await refuse(world, vmId, 1n, { kind: ADDRESS, value: '10.0.0.2' });
  const first = [
    [10_000, '32000'],
    [10_003, '32500'],
  ];
  assert.deepEqual(await valuesOf(world, vmId, 2n), ['10.0.0.3', first]);
  await refuse(world, vmId, 2n, { kind: PORT, ...number(32_000) });
  const second = [
    [10_000, '32001'],
    [10_003, '32500'],
  ];
  assert.deepEqual(await valuesOf(world, vmId, 3n), ['10.0.0.3', second]);
  await refuse(world, vmId, 3n, { kind: RULE_NUMBER, ...number(10_002) });
  const third = [
    [10_004, '32001'],
    [10_007, '32500'],
  ];
  assert.deepEqual(await valuesOf(world, vmId, 4n), ['10.0.0.3', third]);
  assert.equal((await world.operation(provision.id)).state, OperationState.RUNNING);
  await world.driver.settle(vmId, { applied: true, revision: 4n });
  assert.equal((await world.ended(provision)).vm?.natRuleBase, 10_004);
  const removal = await world.decommission('vm');
  await world.driver.change(vmId, 5n);
  await world.driver.settle(vmId, { applied: true, revision: 5n });
  await world.ended(removal);
  assert.deepEqual(await world.query("SELECT FROM allocations WHERE kind = 'vm'"), []);

  const named = await world.provision({ vmName: 'named', forwards: [{ ...fixed, externalPort: 32_501 }] });
  await refuse(world, named.vmId, 1n, { kind: PORT, ...number(32_501) });
  assert.equal((await world.ended(named)).error?.kind, 'conflict');
  const mac = await world.provision({ vmName: 'mac' });
  await refuse(world, mac.vmId, 1n, { kind: MAC, value: '52:54:00:00:00:01' });
  assert.equal((await world.ended(mac)).error?.code, 'ROUTER_CONFLICT');
  const unlucky = await world.provision({ vmName: 'unlucky' });
  for (const revision of [1n, 2n, 3n, 4n]) {
    const { desired } = await world.driver.change(unlucky.vmId, revision);
    await refuse(world, unlucky.vmId, revision, { kind: ADDRESS, value: desired?.mapping?.ipAddress ?? '' });
  }
  assert.equal((await world.ended(unlucky)).error?.code, 'ROUTER_CONFLICT');
});

test('a change of forwards whose chosen ports or rule numbers others hold by now gets others; its VM’s old values stay', async (t) => {
  const world = await makeWorld(t);
  const { vmId } = await world.provisioned({ vmName: 'vm', forwards: [{ name: 'ssh' }] });
  const create = [{ name: 'range', internalPort: 8_000, internalPortEnd: 8_001, protocol: Protocol.TCP_UDP }];
  const change = await world.changeForwards('vm', { create });
  const rulesOf = async (revision: bigint) => (await valuesOf(world, vmId, revision))[1];
  const ssh = [10_000, '32000'];
  assert.deepEqual(await rulesOf(2n), [ssh, [10_003, '32001'], [10_004, '32002']]);
  await refuse(world, vmId, 2n, { kind: PORT, ...number(32_002) });
  assert.deepEqual(await rulesOf(3n), [ssh, [10_003, '32003'], [10_004, '32004']]);
  await refuse(world, vmId, 3n, { kind: RULE_NUMBER, ...number(10_004) });
  assert.deepEqual(await rulesOf(4n), [ssh, [10_005, '32003'], [10_006, '32004']]);
  await refuse(world, vmId, 4n, { kind: PORT, ...number(32_000) }); // stood before: nothing that was chosen now
  assert.equal((await world.ended(change)).error?.code, 'ROUTER_CONFLICT');
  const held = await world.query<{ held: string }>(
    "SELECT held::text FROM allocations a WHERE kind = 'vm' ORDER BY a.held",
  );
  assert.deepEqual(
    held.map((row) => row.held),
    ['[10000,10003)', '[32000,32001)', '[167772162,167772163)'],
  );
});

/** Who holds which ports, as text. */
const portsHeld = async (world: World) =>
  (
    await world.query<{ text: string }>(
      `SELECT concat_ws(' ', a.kind, s.kind, a.held::text, a.former_name) AS text FROM allocations a JOIN spaces s ON s.id = a.space_id
       WHERE s.kind IN ('tcp', 'udp') ORDER BY a.held, s.kind`,
    )
  ).map(({ text }) => text);

test('what stood before a change stays its VM’s while other values are chosen, until the verdict on those', async (t) => {
  for (const applied of [true, false]) {
    const world = await makeWorld(t);
    const { vmId } = await world.provisioned({ vmName: 'vm', forwards: [{ name: 'ssh' }] });
    const change = await world.changeForwards('vm', { update: [{ name: 'ssh', protocol: Protocol.TCP_UDP }] });
    await refuse(world, vmId, 2n, { kind: PORT, ...number(32_000) });
    assert.deepEqual((await valuesOf(world, vmId, 3n))[1], [[10_000, '32001']]);
    const chosen = ['vm tcp [32001,32002)', 'vm udp [32001,32002)'];
    const nobodys = 'quarantine udp [32000,32001)';
    assert.deepEqual(await portsHeld(world), ['vm tcp [32000,32001)', `${nobodys} `, ...chosen]);
    await world.driver.settle(vmId, { applied, revision: 3n });
    await world.ended(change);
    assert.deepEqual(
      await portsHeld(world),
      applied ? ['quarantine tcp [32000,32001) vm', `${nobodys} `, ...chosen] : ['vm tcp [32000,32001)', `${nobodys} `],
    );
  }
});

test('a port that stood before a change of something else is not chosen anew', async (t) => {
  const world = await makeWorld(t);
  const { vmId } = await world.provisioned({ vmName: 'vm', forwards: [{ name: 'ssh' }] });
  const update = [{ name: 'ssh', sources: { sources: ['192.0.2.1', '192.0.2.2'] } }];
  const change = await world.changeForwards('vm', { update });
  await refuse(world, vmId, 2n, { kind: PORT, ...number(32_000) });
  assert.equal((await world.ended(change)).error?.code, 'ROUTER_CONFLICT');
  assert.deepEqual(await portsHeld(world), ['vm tcp [32000,32001)']);
});

test('where nothing else is to be had, what was refused is free at once', async (t) => {
  const portRange = { first: 32_000, last: 32_000 };
  const pools = { addressRange: undefined, portRange, ruleRange: { first: 10_000, last: 10_099 } };
  const world = await makeWorld(t, { config: { pools } });
  const provision = await world.provision({ vmName: 'vm', forwards: [{ name: 'ssh' }] });
  await refuse(world, provision.vmId, 1n, { kind: PORT, ...number(32_000) });
  assert.equal((await world.ended(provision)).error?.code, 'ROUTER_CONFLICT');
  assert.deepEqual(await world.query('SELECT FROM allocations'), []);
});

test('values that may have stood rest, although a later verdict on others says nothing of the kind', async (t) => {
  const world = await makeWorld(t);
  const provision = await world.provision({ vmName: 'vm', forwards: [{ name: 'ssh' }] });
  await refuse(world, provision.vmId, 1n, { kind: ADDRESS, value: '10.0.0.2' }, true);
  await world.driver.change(provision.vmId, 2n);
  await world.driver.settle(provision.vmId, { applied: false, revision: 2n, stood: false });
  await world.ended(provision);
  assert.deepEqual(await portsHeld(world), ['quarantine tcp [32000,32001) vm']);
});

/** A range that leads to itself, with one rule for each of two sources, and no more numbers held than those need. */
async function vmWithRange(world: World): Promise<string> {
  const sources = { source: '192.0.2.1', moreSources: ['192.0.2.2'] };
  const range = { name: 'range', internalPort: 32_000, internalPortEnd: 32_002, ...sources };
  const { vmId } = await world.provisioned({ vmName: 'vm', forwards: [range] });
  await world.applied(await world.changeForwards('vm', { update: [{ name: 'range', description: 'x' }] }), 2n);
  const held = [10_003, 10_004].map((rule) => [rule, '32000-32002']);
  assert.deepEqual((await valuesOf(world, vmId, 2n))[1], held);
  return vmId;
}

const shifted = (base: number, firstPort: number) =>
  [0, 1, 2, 3, 4, 5].map((place) => [place === 0 ? 10_003 : base + place - 1, String(firstPort + (place % 3))]);

test('a range that is made again with other ports gets the rule numbers that it needs then', async (t) => {
  const world = await makeWorld(t, { config: { quarantineMs: 1 } });
  const vmId = await vmWithRange(world);
  await world.applied(await world.changePorts('vm', PortAction.DELETE, ['range']), 3n);
  await eventually(() =>
    world.provisioned({ vmName: 'other', forwards: [{ name: 'ssh', externalPort: 32_000 }] }).catch(() => undefined),
  );
  const creation = await world.changePorts('vm', PortAction.CREATE, ['range']);
  const { desired } = await world.driver.change(vmId, 4n);
  assert.deepEqual(
    desired?.rules.map(({ destinationPort }) => destinationPort),
    ['32001', '32002', '32003', '32001', '32002', '32003'],
  );
  assert.equal((await world.applied(creation, 4n)).state, OperationState.SUCCEEDED);
});

test('a range whose ports are chosen anew gets the rule numbers that it needs then', async (t) => {
  const world = await makeWorld(t);
  const vmId = await vmWithRange(world);
  const change = await world.changeForwards('vm', { update: [{ name: 'range', protocol: Protocol.TCP_UDP }] });
  await refuse(world, vmId, 3n, { kind: PORT, ...number(32_001) });
  const rules = (await valuesOf(world, vmId, 4n))[1];
  assert.deepEqual(rules, shifted(Number(rules?.[1]?.[0]), 32_003));
  assert.equal((await world.applied(change, 4n)).state, OperationState.SUCCEEDED);
});

test('an operation that waited and cannot be started fails alone; verdicts and what else waited go on', async (t) => {
  const world = await makeWorld(t);
  const provisions = [
    await world.provision({ vmName: 'vm', forwards: [{ name: 'ssh' }] }),
    await world.provision({ vmName: 'other', forwards: [{ name: 'ssh' }] }),
  ];
  const before = await world.changePorts('vm', PortAction.CREATE, ['http']);
  const broken = await world.changePorts('vm', PortAction.CREATE, ['https']);
  const after = await world.changePorts('vm', PortAction.DISABLE, ['ssh']);
  const others = await world.changePorts('other', PortAction.DISABLE, ['ssh']);
  await world.query('UPDATE operations SET port_action = NULL WHERE id = $1', [broken.id]);
  await Promise.all(provisions.map(({ vmId }) => world.driver.settle(vmId, { applied: true })));
  for (const provision of provisions) assert.equal((await world.ended(provision)).state, OperationState.SUCCEEDED);
  assert.equal((await world.applied(others, 2n)).state, OperationState.SUCCEEDED);
  assert.equal((await world.applied(before, 2n)).state, OperationState.SUCCEEDED);
  const { state, error } = await world.ended(broken);
  assert.deepEqual([state, error?.kind, error?.code], [OperationState.FAILED, 'bug', 'INTERNAL']);
  assert.equal((await world.applied(after, 3n)).state, OperationState.SUCCEEDED);
});
