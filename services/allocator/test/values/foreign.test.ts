import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HoldingKind } from '@berth/contracts';
import { eventually } from '@berth/testing';
import { profile } from '../support/driver-side.ts';
import { makeWorld, type World } from '../support/world.ts';

const { RULE_NUMBER, PORT, ADDRESS, DYNAMIC_RANGE, MAC, MAPPING_NAME } = HoldingKind;

const holdings = [
  { kind: ADDRESS, value: '10.0.0.2', path: 'interfaces ethernet eth1 address' },
  { kind: DYNAMIC_RANGE, value: '10.0.0.4', lastValue: '10.0.0.99', path: 'range 0' },
  { kind: RULE_NUMBER, firstNumber: 10_000, lastNumber: 10_000, path: 'nat destination rule 10000' },
  { kind: RULE_NUMBER, firstNumber: 10_004, lastNumber: 10_004, path: 'nat destination rule 10004' },
  { kind: PORT, firstNumber: 32_000, lastNumber: 32_001, protocol: 'tcp', path: 'nat destination rule 10000' },
  { kind: PORT, firstNumber: 32_002, lastNumber: 32_002, protocol: 'tcp', value: '198.51.100.1', path: 'rule 10004' },
  { kind: PORT, firstNumber: 40_000, lastNumber: 40_010, protocol: 'tcp', value: '203.0.113.2', path: 'rule 77' },
  { kind: MAC, value: '52:54:00:00:00:99', path: 'static-mapping printer' },
  { kind: MAPPING_NAME, value: 'Printer', path: 'static-mapping printer' },
];

const valuesOf = async (world: World, vmId: string) => {
  const { desired } = await world.driver.change(vmId);
  return {
    address: desired?.mapping?.ipAddress,
    ports: desired?.rules.map(({ destinationPort }) => destinationPort),
    base: desired?.rules[0]?.number,
  };
};

const removed = async (world: World, name: string, vmId: string) => {
  const removal = await world.decommission(name);
  await world.driver.change(vmId, 2n);
  await world.driver.settle(vmId, { applied: true });
  await world.ended(removal);
};

test('what others hold is skipped when we choose, and a conflict when the caller names it', async (t) => {
  const world = await makeWorld(t, { foreign: holdings });
  const first = await world.provision({ vmName: 'first' });
  assert.deepEqual(await valuesOf(world, first.vmId), {
    address: '10.0.0.3',
    ports: ['32002', '32003', '32004'],
    base: 10_001,
  });
  const second = await world.provision({ vmName: 'second' });
  assert.deepEqual(await valuesOf(world, second.vmId), {
    address: '10.0.0.100',
    ports: ['32005', '32006', '32007'],
    base: 10_005,
  });
  await assert.rejects(world.provision({ vmName: 'x', macAddress: '52-54-00-00-00-99' }), { code: 'MAC_TAKEN' });
  await assert.rejects(world.provision({ vmName: 'PRINTER' }), { code: 'HOSTNAME_TAKEN' });
  await assert.rejects(world.provision({ vmName: 'x', forwards: [{ name: 'ssh', externalPort: 40_003 }] }), {
    code: 'EXTERNAL_PORT_TAKEN',
  });
  const dynamic = { first: '10.0.0.50', last: '10.0.0.60' };
  await assert.rejects(world.provision({ vmName: 'x', addressRange: dynamic }), { code: 'ADDRESS_POOL_EXHAUSTED' });
  const range = { start: 39_999, end: 40_012 };
  const ranged = await world.provision({ vmName: 'ranged', portRange: range });
  assert.deepEqual((await valuesOf(world, ranged.vmId)).ports, ['39999', '40011', '40012']);
});

test('what others let go of can be handed out, what they take anew is skipped', async (t) => {
  const world = await makeWorld(t, { foreign: holdings });
  world.driver.holdings = [{ kind: ADDRESS, value: '10.0.0.3', path: 'x' }];
  await world.driver.report({});
  await world.routerReady();
  const first = await world.provision({ vmName: 'printer', macAddress: '52:54:00:00:00:99' });
  assert.deepEqual(await valuesOf(world, first.vmId), {
    address: '10.0.0.2',
    ports: ['32000', '32001', '32002'],
    base: 10_000,
  });
  const second = await world.provision({ vmName: 'second' });
  assert.equal((await valuesOf(world, second.vmId)).address, '10.0.0.4');
});

test('ours stays ours when others take it too, and is theirs once we let go', async (t) => {
  const world = await makeWorld(t, { config: { quarantineMs: 300 } });
  const { vmId } = await world.provisioned({ vmName: 'vm' });
  world.driver.holdings = [
    { kind: DYNAMIC_RANGE, value: '10.0.0.2', lastValue: '10.0.0.5', path: 'range 0' },
    { kind: MAPPING_NAME, value: 'VM', path: 'static-mapping VM' },
    { kind: RULE_NUMBER, firstNumber: 10_001, lastNumber: 10_001, path: 'rule 10001' },
  ];
  await world.driver.report({});
  await world.routerReady();
  const conflicts = await world.query('SELECT path FROM foreign_holdings WHERE conflict ORDER BY path');
  assert.deepEqual(conflicts, [{ path: 'range 0' }, { path: 'rule 10001' }, { path: 'static-mapping VM' }]);
  const second = await world.provision({ vmName: 'second' });
  assert.equal((await valuesOf(world, second.vmId)).address, '10.0.0.6');

  const removal = await world.decommission('vm');
  await world.driver.change(vmId, 2n);
  await world.driver.settle(vmId, { applied: true });
  await world.ended(removal);
  await assert.rejects(world.provision({ vmName: 'vm' }), { code: 'HOSTNAME_TAKEN' });
  await eventually(async () => (await world.query("SELECT FROM allocations WHERE kind = 'quarantine'")).length === 0);
  const third = await world.provision({ vmName: 'third' });
  assert.deepEqual(await valuesOf(world, third.vmId), {
    address: '10.0.0.7',
    ports: ['32000', '32001', '32002'],
    base: 10_006,
  });
});

test('released values rest in quarantine; the same group and name get them back, others do not', async (t) => {
  const world = await makeWorld(t, { config: { quarantineMs: 1_500 } });
  const first = await world.provisioned({ vmName: 'sticky', ownerGroup: 'blue' });
  const values = await valuesOf(world, first.vmId);
  await removed(world, 'sticky', first.vmId);
  const other = await world.provisioned({ vmName: 'sticky', ownerGroup: 'red' });
  assert.deepEqual(await valuesOf(world, other.vmId), {
    address: '10.0.0.3',
    ports: ['32003', '32004', '32005'],
    base: 10_003,
  });
  await removed(world, 'sticky', other.vmId);
  const back = await world.provisioned({ vmName: 'Sticky', ownerGroup: 'blue' });
  assert.deepEqual(await valuesOf(world, back.vmId), values);
  await eventually(async () => (await world.query("SELECT FROM allocations WHERE kind = 'quarantine'")).length === 0);
  const next = await world.provision({ vmName: 'next' });
  assert.deepEqual(await valuesOf(world, next.vmId), {
    address: '10.0.0.3',
    ports: ['32003', '32004', '32005'],
    base: 10_003,
  });
});

test('values that came back from quarantine and were then refused rest on until its end', async (t) => {
  const world = await makeWorld(t);
  const { vmId } = await world.provisioned({ vmName: 'web', ownerGroup: 'blue' });
  const values = await valuesOf(world, vmId);
  await removed(world, 'web', vmId);
  const quarantine = () =>
    world.query(
      "SELECT held, slot, until, former_group, former_name FROM allocations WHERE kind = 'quarantine' ORDER BY id",
    );
  const resting = await quarantine();
  const back = await world.provision({ vmName: 'web', ownerGroup: 'blue' });
  assert.deepEqual(await valuesOf(world, back.vmId), values);
  await world.driver.settle(back.vmId, { applied: false, stood: false });
  await world.ended(back);
  assert.deepEqual(await quarantine(), resting);
  const other = await world.provision({ vmName: 'other', ownerGroup: 'red' });
  assert.equal((await valuesOf(world, other.vmId)).address, '10.0.0.3');
});

test('what others took during its quarantine is not given back to its former holder', async (t) => {
  const world = await makeWorld(t);
  const { vmId } = await world.provisioned({ vmName: 'web', ownerGroup: 'blue' });
  await removed(world, 'web', vmId);
  world.driver.holdings = [
    { kind: ADDRESS, value: '10.0.0.2', path: 'theirs' },
    { kind: PORT, firstNumber: 32_001, lastNumber: 32_001, protocol: 'tcp', path: 'theirs' },
  ];
  await world.driver.report({});
  await world.routerReady();
  const back = await world.provision({ vmName: 'web', ownerGroup: 'blue' });
  assert.deepEqual(await valuesOf(world, back.vmId), {
    address: '10.0.0.3',
    ports: ['32000', '32003', '32002'],
    base: 10_000,
  });
});

test('pools follow the router when its place in the network changes', async (t) => {
  const world = await makeWorld(t);
  await world.provisioned({ vmName: 'before' });
  await world.driver.report({
    profile: { ...profile, externalIp: '203.0.113.9', dhcpSubnet: '10.0.0.0/24', gateway: '10.0.0.3' },
  });
  await world.routerReady();
  const after = await world.provision({ vmName: 'after' });
  assert.deepEqual(await valuesOf(world, after.vmId), {
    address: '10.0.0.1',
    ports: ['32000', '32001', '32002'],
    base: 10_003,
  });
  assert.equal((await world.driver.change(after.vmId)).desired?.mapping?.subnet, '10.0.0.0/24');
});

test('a report is taken in although free spans and allocations contradict each other', async (t) => {
  const world = await makeWorld(t, { foreign: holdings });
  const [space] = await world.query<{ id: number }>("SELECT id FROM spaces WHERE kind = 'rule'");
  await world.query(
    `INSERT INTO free_spans (segment_id, first, last) SELECT id, 10004, 10004 FROM segments WHERE space_id = $1 AND pool_id IS NOT NULL`,
    [space?.id],
  );
  await world.query("DELETE FROM foreign_holdings WHERE kind = 'rule' AND path = 'nat destination rule 10004'");
  await world.driver.report({ profile: { ...profile, gateway: '10.0.0.9' }, inventory: 1n });
  await eventually(async () => (await world.query("SELECT FROM routers WHERE gateway = '10.0.0.9'")).length === 1);
  const free = await world.query(
    'SELECT first::int, last::int FROM free_spans WHERE segment_id IN (SELECT id FROM segments WHERE space_id = $1)',
    [space?.id],
  );
  assert.deepEqual(free, [{ first: 10_001, last: 999_999 }]);
});

test('MAC addresses that others have in a subnet are nobody’s when the subnet has left the router', async (t) => {
  const world = await makeWorld(t, { foreign: holdings });
  const scopes = async () =>
    (await world.query<{ scope: string }>("SELECT scope FROM claims WHERE kind = 'mac' ORDER BY scope")).map(
      ({ scope }) => scope,
    );
  const dmz = { network: 'DMZ', subnet: '10.9.0.0/24', gateway: '10.9.0.1' };
  await world.driver.report({ profile: { ...profile, subnets: [dmz] } });
  await eventually(async () => (await scopes()).length === 2);
  assert.deepEqual(await scopes(), ['default 10.0.0.0/16', 'default 10.9.0.0/24']);
  await world.driver.report({ profile });
  await eventually(async () => (await scopes()).length === 1);
  assert.deepEqual(await scopes(), ['default 10.0.0.0/16']);
});
