import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PortAction, Protocol } from '@berth/contracts';
import { isKind } from '@berth/errors';
import { profile } from '../support/driver-side.ts';
import { addPool, addresses, changePools, numbersOutOfStep, setState, shrinkDefault } from '../support/with-pools.ts';
import { makeWorld, type World } from '../support/world.ts';

const smallPools = {
  addressRange: addresses('10.0.0.100-10.0.0.107'),
  portRange: { first: 32_000, last: 32_031 },
  ruleRange: { first: 10_000, last: 10_063 },
};

const wide = {
  ...profile,
  subnets: [
    { network: 'LAN', subnet: '10.0.0.0/16', gateway: '10.0.0.1' },
    { network: 'DMZ', subnet: '192.168.7.0/24', gateway: '192.168.7.1', subnetId: 7 },
  ],
  interfaces: [
    { name: 'eth0', addresses: ['203.0.113.2'] },
    { name: 'eth4', addresses: ['198.51.100.9'] },
  ],
};

const valuesOf = async (world: World, vmId: string) => {
  const { desired } = await world.driver.change(vmId);
  return {
    address: desired?.mapping?.ipAddress,
    ports: desired?.rules.map(({ destinationPort }) => destinationPort),
    base: desired?.rules[0]?.number,
  };
};

const balances = async (world: World) => assert.deepEqual(await numbersOutOfStep(world), []);

/** Pools of group blue beside the settings' ones. */
async function withBluePools(world: World): Promise<void> {
  const forBlue = { name: 'blue', groups: ['blue'], defaultFor: ['blue'] };
  await addPool(world, { kind: 'ip-pools', ...forBlue, ranges: [addresses('10.0.5.1-10.0.5.4')] });
  await addPool(world, { kind: 'port-pools', ...forBlue, ranges: [{ first: 40_000, last: 40_008 }] });
  await addPool(world, { kind: 'rule-pools', ...forBlue, ranges: [{ first: 500, last: 511 }] });
}

test('two groups get their values from default pools of their own, and each VM says which', async (t) => {
  const world = await makeWorld(t, { config: { pools: smallPools } });
  await withBluePools(world);
  const blue = await world.provision({ vmName: 'blue', ownerGroup: 'blue' });
  const red = await world.provision({ vmName: 'red', ownerGroup: 'red' });
  assert.deepEqual(await valuesOf(world, blue.vmId), {
    address: '10.0.5.1',
    ports: ['40000', '40001', '40002'],
    base: 500,
  });
  assert.deepEqual(await valuesOf(world, red.vmId), {
    address: '10.0.0.100',
    ports: ['32000', '32001', '32002'],
    base: 10_000,
  });
  const { ipPool, portPool, rulePool } = await world.vm('blue');
  assert.deepEqual([ipPool, portPool, rulePool], ['ip-pools/blue', 'port-pools/blue', 'rule-pools/blue']);
  assert.equal((await world.vm('red')).ipPool, 'ip-pools/default');
  await balances(world);
});

test('a pool that is named gives its values alone, to its groups alone', async (t) => {
  const world = await makeWorld(t, { config: { pools: smallPools } });
  await withBluePools(world);
  await addPool(world, { kind: 'ip-pools', name: 'edge', ranges: [addresses('10.0.6.1-10.0.6.9')] });
  const short = await world.provision({ vmName: 'a', pool: 'edge' });
  const long = await world.provision({ vmName: 'b', pool: 'ip-pools/edge' });
  assert.deepEqual((await valuesOf(world, short.vmId)).address, '10.0.6.1');
  assert.deepEqual((await valuesOf(world, long.vmId)).address, '10.0.6.2');

  const wrong = [
    { init: { pool: 'blue', ownerGroup: 'red' }, field: 'pool', code: 'UNKNOWN_POOL' },
    { init: { pool: 'gold' }, field: 'pool', code: 'UNKNOWN_POOL' },
    { init: { portPool: 'gold' }, field: 'port_pool', code: 'UNKNOWN_POOL' },
    { init: { rulePool: 'ip-pools/edge' }, field: 'rule_pool', code: 'UNKNOWN_POOL' },
    {
      init: { pool: 'edge', addressRange: { first: '10.0.0.100', last: '10.0.0.107' } },
      field: 'ip_range',
      code: 'INVALID_REQUEST',
    },
    {
      init: { portPool: 'default', portRange: { start: 50_000, end: 50_009 } },
      field: 'port_range',
      code: 'INVALID_REQUEST',
    },
    {
      init: { portPool: 'default', forwards: [{ name: 'ssh' }, { name: 'http', externalPort: 50_000 }] },
      field: 'ports[1].external_port',
      code: 'INVALID_REQUEST',
    },
  ];
  for (const { init, field, code } of wrong) {
    await assert.rejects(world.provision({ vmName: 'c', ...init }), (error) => {
      assert.ok(isKind(error, 'invalid'), String(error));
      assert.deepEqual([error.code, error.details.fields?.map((one) => one.field)], [code, [field]]);
      return true;
    });
  }
  const partly = { pool: 'edge', addressRange: { first: '10.0.6.9', last: '10.0.6.20' } };
  assert.equal((await valuesOf(world, (await world.provision({ vmName: 'd', ...partly })).vmId)).address, '10.0.6.9');
  await assert.rejects(world.provision({ vmName: 'e', ...partly }), { code: 'ADDRESS_POOL_EXHAUSTED' });
  await balances(world);
});

test('without a pool’s name, values of other pools are not to be had, not even by range', async (t) => {
  const world = await makeWorld(t, { config: { pools: smallPools } });
  await withBluePools(world);
  const ofBlue = { addressRange: { first: '10.0.5.1', last: '10.0.5.4' } };
  // No pool is short of anything, and the others' one is not named.
  await assert.rejects(world.provision({ vmName: 'a', ...ofBlue }), {
    ...{ kind: 'exhausted', code: 'ADDRESS_POOL_EXHAUSTED', details: {} },
    message: 'Nothing of 10.0.5.1-10.0.5.4 can be handed out.',
  });
  await assert.rejects(world.provision({ vmName: 'a', portRange: { start: 40_000, end: 40_008 } }), {
    ...{ kind: 'exhausted', code: 'PORT_POOL_EXHAUSTED', details: {} },
    message: 'Nothing of 40000-40008 can be handed out.',
  });
  await assert.rejects(world.provision({ vmName: 'a', forwards: [{ name: 'ssh', externalPort: 40_003 }] }), {
    code: 'EXTERNAL_PORT_TAKEN',
  });
  const ofNone = { addressRange: { first: '10.0.5.3', last: '10.0.5.5' }, portRange: { start: 40_007, end: 40_011 } };
  const { vmId } = await world.provision({ vmName: 'b', ...ofNone });
  assert.deepEqual(await valuesOf(world, vmId), {
    address: '10.0.5.5',
    ports: ['40009', '40010', '40011'],
    base: 10_000,
  });
  assert.equal((await world.vm('b')).ipPool, '');
  await balances(world);
});

test('a VM goes where its pools are: another subnet, another external address and interface', async (t) => {
  const world = await makeWorld(t, { config: { pools: smallPools } });
  await world.driver.report({ profile: wide });
  await world.routerReady();
  await addPool(world, { kind: 'ip-pools', name: 'dmz', cidrs: ['192.168.7.0/24'], ranges: [] });
  await addPool(world, {
    kind: 'port-pools',
    name: 'second',
    externalIp: '198.51.100.9',
    ranges: [{ first: 32_000, last: 32_009 }],
  });
  const mac = '52:54:00:00:00:07';
  await world.provision({ vmName: 'lan', macAddress: mac });
  const { vmId } = await world.provision({ vmName: 'dmz', macAddress: mac, pool: 'dmz', portPool: 'second' });
  const { desired } = await world.driver.change(vmId);
  assert.deepEqual(
    [desired?.mapping?.network, desired?.mapping?.subnet, desired?.mapping?.ipAddress],
    ['DMZ', '192.168.7.0/24', '192.168.7.2'],
  );
  const [rule] = desired?.rules ?? [];
  assert.deepEqual(
    [rule?.inboundInterface, rule?.destinationAddress, rule?.destinationPort],
    ['eth4', '198.51.100.9', '32000'],
  );
  assert.equal((await world.vm('dmz')).externalIp, '198.51.100.9');
  await assert.rejects(world.provision({ vmName: 'twin', macAddress: mac, pool: 'dmz' }), { code: 'MAC_TAKEN' });
  await balances(world);
});

test('a range of another subnet that is of no pool goes into that subnet', async (t) => {
  const world = await makeWorld(t, { config: { pools: smallPools } });
  await world.driver.report({ profile: wide });
  await world.routerReady();
  const { vmId } = await world.provision({ vmName: 'a', addressRange: { first: '192.168.7.0', last: '192.168.7.5' } });
  const { desired } = await world.driver.change(vmId);
  assert.deepEqual([desired?.mapping?.network, desired?.mapping?.ipAddress], ['DMZ', '192.168.7.2']);
  await assert.rejects(world.provision({ vmName: 'b', addressRange: { first: '10.0.0.9', last: '192.168.7.9' } }), {
    kind: 'invalid',
  });
});

test('a pool that drains or is disabled hands out nothing, and VMs keep what they have', async (t) => {
  const world = await makeWorld(t, { config: { pools: smallPools } });
  await withBluePools(world);
  await world.provisioned({ vmName: 'kept', ownerGroup: 'blue', forwards: [{ name: 'ssh' }] });
  for (const [kind, state] of [
    ['ip-pools', 'draining'],
    ['port-pools', 'disabled'],
    ['rule-pools', 'draining'],
  ] as const) {
    await setState(world, kind, 'blue', state);
    await assert.rejects(world.provision({ vmName: 'a', ownerGroup: 'blue' }), {
      kind: 'conflict',
      code: 'POOL_NOT_ACTIVE',
      details: { resource: { type: 'pool', name: `${kind}/blue` } },
    });
    if (kind === 'port-pools') {
      await assert.rejects(world.changePorts('kept', PortAction.CREATE, ['http']), { code: 'POOL_NOT_ACTIVE' });
    }
    await setState(world, kind, 'blue', 'active');
  }
  await setState(world, 'ip-pools', 'blue', 'draining');
  const others = { addressRange: { first: '10.0.5.1', last: '10.0.5.4' }, ownerGroup: 'red' };
  await assert.rejects(world.provision({ vmName: 'a', ...others }), { code: 'ADDRESS_POOL_EXHAUSTED' });
  await setState(world, 'ip-pools', 'blue', 'active');
  const { vmId } = await world.provision({ vmName: 'a', ownerGroup: 'blue' });
  assert.equal((await valuesOf(world, vmId)).address, '10.0.5.2');
  await balances(world);
});

test('forwards that come later are of the pool that the VM’s first ones are of', async (t) => {
  const world = await makeWorld(t, { config: { pools: smallPools } });
  await withBluePools(world);
  const { vmId } = await world.provisioned({ vmName: 'vm', ownerGroup: 'blue', noForwards: true });
  await changePools(world, (query) => query("DELETE FROM pool_defaults WHERE group_name = 'blue'"));
  await world.changePorts('vm', PortAction.CREATE, ['https']);
  const { desired } = await world.driver.change(vmId, 2n);
  assert.deepEqual(
    desired?.rules.map(({ number, destinationPort }) => [number, destinationPort]),
    [[502, '40000']],
  );
});

test('what is used up says which pool, how much was asked for, and keeps nothing', async (t) => {
  const world = await makeWorld(t, { config: { pools: smallPools } });
  await withBluePools(world);
  for (let count = 0; count < 3; count++) await world.provision({ vmName: `vm-${count}`, ownerGroup: 'blue' });
  const exhausted = (code: string, name: string, words: RegExp) => (error: unknown) => {
    assert.ok(isKind(error, 'exhausted'), String(error));
    assert.deepEqual([error.code, error.details.resource], [code, { type: 'pool', name }]);
    assert.match(error.message, words);
    return true;
  };
  await assert.rejects(
    world.provision({ vmName: 'x', ownerGroup: 'blue' }),
    exhausted('PORT_POOL_EXHAUSTED', 'port-pools/blue', /port-pools\/blue: 3 external ports/),
  );
  await world.provision({ vmName: 'vm-3', ownerGroup: 'blue', noForwards: true });
  await assert.rejects(
    world.provision({ vmName: 'x', ownerGroup: 'blue', noForwards: true }),
    exhausted('ADDRESS_POOL_EXHAUSTED', 'ip-pools/blue', /1 address/),
  );
  await assert.rejects(
    world.provision({ vmName: 'x', ownerGroup: 'blue', pool: 'default', noForwards: true }),
    exhausted('RULE_POOL_EXHAUSTED', 'rule-pools/blue', /3 neighbouring rule numbers/),
  );
  await balances(world);
});

test('a pool of tcp ports has none for udp', async (t) => {
  const world = await makeWorld(t, { config: { pools: smallPools } });
  await addPool(world, {
    kind: 'port-pools',
    name: 'web',
    ranges: [{ first: 40_000, last: 40_009 }],
    protocols: ['tcp'],
  });
  const forwards = [{ name: 'ssh' }, { name: 'dns', internalPort: 53, protocol: Protocol.TCP_UDP }];
  await assert.rejects(world.provision({ vmName: 'a', portPool: 'web', forwards }), {
    kind: 'invalid',
    code: 'PROTOCOL_NOT_IN_POOL',
    details: { fields: [{ field: 'ports[1].protocol', message: 'port-pools/web has no udp ports' }] },
  });
  await world.provision({ vmName: 'a', portPool: 'web' });
  // The udp ports with the same numbers are of no pool.
  const udp = [{ name: 'dns', internalPort: 53, protocol: Protocol.UDP, externalPort: 40_000 }];
  const { vmId } = await world.provision({ vmName: 'b', forwards: udp });
  assert.deepEqual((await valuesOf(world, vmId)).ports, ['40000']);
});

test('without a default pool only those who name a pool or a range are served', async (t) => {
  const world = await makeWorld(t, { config: { pools: smallPools } });
  await changePools(world, (query) => query("DELETE FROM pool_defaults WHERE kind IN ('ip-pools', 'port-pools')"));
  await assert.rejects(world.provision({ vmName: 'a' }), { kind: 'conflict', code: 'NO_DEFAULT_POOL' });
  await assert.rejects(world.provision({ vmName: 'a', pool: 'ip-pools/default' }), { code: 'NO_DEFAULT_POOL' });
  await world.provision({ vmName: 'a', pool: 'ip-pools/default', portPool: 'default' });
  await world.provision({ vmName: 'b', pool: 'ip-pools/default', noForwards: true });
  const ranges = { addressRange: { first: '10.0.9.1', last: '10.0.9.9' }, portRange: { start: 50_000, end: 50_009 } };
  assert.deepEqual(await valuesOf(world, (await world.provision({ vmName: 'c', ...ranges })).vmId), {
    address: '10.0.9.1',
    ports: ['50000', '50001', '50002'],
    base: 10_006,
  });
});

test('who comes back within the quarantine gets the same values as long as they are of the same pool', async (t) => {
  const world = await makeWorld(t, { config: { pools: smallPools } });
  await withBluePools(world);
  const remove = async (vmId: string) => {
    const removal = await world.decommission(vmId);
    await world.driver.change(vmId, 2n);
    await world.driver.settle(vmId, { applied: true });
    await world.ended(removal);
  };
  const mine = { vmName: 'sticky', ownerGroup: 'blue' };
  const first = await world.provisioned(mine);
  const values = await valuesOf(world, first.vmId);
  await remove(first.vmId);
  await world.provision({ vmName: 'other', ownerGroup: 'blue' });
  const again = await world.provisioned(mine);
  assert.deepEqual(await valuesOf(world, again.vmId), values);
  await remove(again.vmId);
  const elsewhere = await world.provision({ ...mine, pool: 'ip-pools/default', portPool: 'default' });
  assert.deepEqual(await valuesOf(world, elsewhere.vmId), {
    address: '10.0.0.100',
    ports: ['32000', '32001', '32002'],
    base: values.base,
  });
  await balances(world);
});

test('a named pool on another router decides the router, unless the caller names one', async (t) => {
  const world = await makeWorld(t, { config: { pools: smallPools } });
  await world.query(
    `INSERT INTO routers SELECT (jsonb_populate_record(r, '{"name": "second"}')).* FROM routers r WHERE name = 'default'`,
  );
  await world.startReplica(); // makes the pools of a router that is known when it starts
  const { vmId } = await world.provision({ vmName: 'a', pool: 'second' });
  assert.equal((await world.vm(vmId)).router, 'second');
  assert.equal((await world.vm(vmId)).ipPool, 'ip-pools/second');
  const byRules = await world.provision({ vmName: 'b', rulePool: 'rule-pools/second' });
  assert.equal((await world.vm(byRules.vmId)).router, 'second');
  await assert.rejects(world.provision({ vmName: 'c', router: 'default', pool: 'second' }), { code: 'UNKNOWN_POOL' });
  await assert.rejects(world.provision({ vmName: 'c', pool: 'second', portPool: 'port-pools/default' }), {
    code: 'UNKNOWN_POOL',
  });
  const byDefault = await world.provision({ vmName: 'd', pool: 'second', portPool: 'default' });
  assert.equal((await world.vm(byDefault.vmId)).portPool, 'port-pools/second');
});

test('what is of a pool that is gone can be had by nobody who asks by range while a VM holds it', async (t) => {
  const world = await makeWorld(t, { config: { pools: smallPools } });
  const edge = { kind: 'ip-pools', name: 'edge', ranges: [addresses('10.0.0.107-10.0.0.120')] } as const;
  await shrinkDefault(world, 'ip-pools', { ranges: [addresses('10.0.0.100-10.0.0.106')] });
  await addPool(world, edge);
  const { vmId } = await world.provision({ vmName: 'a', pool: 'edge' });
  assert.equal((await valuesOf(world, vmId)).address, '10.0.0.107');
  await changePools(world, (query) => query("DELETE FROM pools WHERE name = 'edge'"));
  assert.equal((await world.vm('a')).ipPool, '');
  await balances(world);
  await assert.rejects(world.provision({ vmName: 'b', addressRange: { first: '10.0.0.107', last: '10.0.0.107' } }), {
    code: 'ADDRESS_POOL_EXHAUSTED',
  });
});

test('values that are reserved by hand are nobody’s, whatever others hold on the router', async (t) => {
  const world = await makeWorld(t, { config: { pools: smallPools } });
  await changePools(world, (query) =>
    query(
      `INSERT INTO allocations (space_id, held, kind, reservation_id)
       SELECT id, '[167772260,167772262]', 'reserved', gen_random_uuid() FROM spaces WHERE kind = 'address';
       DELETE FROM free_spans; DELETE FROM segment_ranges`, // made anew below
    ),
  );
  const { vmId } = await world.provision({ vmName: 'a' });
  assert.equal((await valuesOf(world, vmId)).address, '10.0.0.103');
  world.driver.holdings = [{ kind: 4, value: '10.0.0.99', lastValue: '10.0.0.101', path: 'range 0' }];
  await world.driver.report({});
  await world.routerReady();
  assert.deepEqual(await world.query('SELECT path FROM foreign_holdings WHERE conflict'), [{ path: 'range 0' }]);
  assert.deepEqual(await world.query("SELECT held::text FROM allocations WHERE kind = 'reserved'"), [
    { held: '[167772260,167772263)' },
  ]);
  await balances(world);
});
