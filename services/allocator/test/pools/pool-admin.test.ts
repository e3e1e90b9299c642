import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PoolChangedSchema, PoolChangeKind, PoolState, PortProtocol } from '@berth/contracts';
import { isKind } from '@berth/errors';
import { listen } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  assertBooksBalance,
  ipPool,
  keyed,
  ofGroup,
  poolSide,
  portPool,
  settingsChanges,
  smallPools,
} from '../support/pool-side.ts';
import { aPrincipal, makeWorld, type World } from '../support/world.ts';

const aWorld = (t: Parameters<typeof makeWorld>[0], replicas = 1): Promise<World> =>
  makeWorld(t, { replicas, config: { pools: smallPools } });

const fieldsOf = (error: unknown): string[] => {
  assert.ok(isKind(error, 'invalid'), String(error));
  return (error.details.fields ?? []).map(({ field }) => field);
};

const refusedFields = async (asked: Promise<unknown>): Promise<string[]> => {
  try {
    await asked;
  } catch (error) {
    return fieldsOf(error);
  }
  throw new Error('it was not refused');
};

test('a pool is made, read, changed and removed, and each change is an event', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  const events: PoolChangeKind[] = [];
  listen(world.bus, 'events.pool.changed.ip-pools.edge', PoolChangedSchema, ({ change }) => {
    events.push(change?.change ?? PoolChangeKind.UNSPECIFIED);
  });
  const made = await pools.createPool(
    ipPool('edge', '10.0.2.10', '10.0.2.29', { description: 'the edge', groups: ['blue'], alertThresholds: [0.9] }),
  );
  assert.equal(made.name, 'ip-pools/edge');
  assert.deepEqual([made.router, made.state, made.version], ['default', PoolState.ACTIVE, 1n]);
  assert.deepEqual([made.use?.size, made.use?.free, made.use?.used, made.fromSettings], [20n, 20n, 0, false]);
  const { use, warnings, ...stored } = await pools.getPool({ name: 'ip-pools/edge' });
  const { use: _use, warnings: _warnings, ...first } = made;
  assert.deepEqual(stored, first);
  assert.deepEqual([use?.free, warnings], [20n, []]);

  const vm = await world.provisioned({ vmName: 'vm', pool: 'ip-pools/edge', ownerGroup: 'blue' });
  assert.equal(vm.vm?.internalIp, '10.0.2.10');
  const changed = await pools.updatePool({
    pool: {
      name: 'ip-pools/edge',
      values: { case: 'ip', value: { ranges: [{ first: '10.0.2.10', last: '10.0.2.11' }] } },
    },
    ifVersion: 1n,
  });
  assert.deepEqual([changed.version, changed.use?.size, changed.use?.held], [2n, 2n, 1n]);
  assert.deepEqual([changed.description, changed.groups], ['the edge', ['blue']]);
  await assert.rejects(pools.deletePool({ name: 'ip-pools/edge' }), {
    kind: 'conflict',
    code: 'POOL_IN_USE',
    message: 'The pool is in use: 1 value is held, for example 10.0.2.10 (VM vm).',
    details: { resource: { type: 'pool', name: 'ip-pools/edge' } },
  });
  await world.decommission('vm');
  await world.driver.settle(vm.vmId, { applied: true, revision: 2n });
  await eventually(async () => (await pools.getPool({ name: 'ip-pools/edge' })).use?.quarantined === 1n);
  await pools.deletePool({ name: 'ip-pools/edge', ifVersion: 2n });
  await assert.rejects(pools.getPool({ name: 'ip-pools/edge' }), { kind: 'not_found', code: 'POOL_NOT_FOUND' });
  const { CREATED, UPDATED, DELETED } = PoolChangeKind;
  await eventually(() => events.length === 3);
  assert.deepEqual(events, [CREATED, UPDATED, DELETED]);
  await assertBooksBalance(world);
});

test('whatever is wrong with a pool is named by its field, and nothing is kept', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  const span = (first: string, last = '') => ({ first, last });
  const ip = (value: object) => pools.createPool({ pool: { name: 'ip-pools/x', values: { case: 'ip', value } } });
  const port = (value: object) => pools.createPool({ pool: { name: 'port-pools/x', values: { case: 'port', value } } });
  const rule = (value: object) => pools.createPool({ pool: { name: 'rule-pools/x', values: { case: 'rule', value } } });
  const cases: readonly [() => Promise<unknown>, string[]][] = [
    [() => pools.createPool({}), ['pool']],
    [() => pools.createPool({ pool: { name: 'x' } }), ['name', 'values']],
    [() => pools.createPool(portPool('x/y', 40_000, 40_001)), ['name']],
    [() => pools.createPool({ pool: { ...portPool('x', 40_000, 40_001).pool, name: 'ip-pools/x' } }), ['name']],
    [() => pools.createPool(portPool('x', 40_000, 40_001, { router: 'nowhere' })), ['router']],
    [() => pools.createPool(portPool('x', 40_000, 40_001, { description: 'a\nb' })), ['description']],
    [() => pools.createPool(portPool('x', 40_000, 40_001, { groups: ['a', ' ', 'a'] })), ['groups[1]', 'groups[2]']],
    [
      () => pools.createPool(portPool('x', 40_000, 40_001, { alertThresholds: [0.5, 0.4, 1.5] })),
      ['alert_thresholds[1]', 'alert_thresholds[2]'],
    ],
    [() => pools.createPool(portPool('x', 40_000, 40_001, { state: 9 })), ['state']],
    [() => ip({}), ['ip.ranges']],
    [() => ip({ cidrs: ['10.0.2.1/24', 'fd00::/64', '10.0.0.0/33'] }), ['ip.cidrs[0]', 'ip.cidrs[1]', 'ip.cidrs[2]']],
    [
      () => ip({ ranges: [span('10.0.2.9', '10.0.2.1'), span('fd00::1'), span('x')] }),
      ['ip.ranges[0].last', 'ip.ranges[1].first', 'ip.ranges[2].first'],
    ],
    [() => ip({ cidrs: ['10.0.2.0/24'], ranges: [span('10.0.2.9')] }), ['ip.ranges[0]']],
    [() => ip({ ranges: [span('10.0.2.9')], exclusions: [span('10.0.2.9')] }), ['ip.ranges']],
    [() => ip({ ranges: [span('10.9.0.1', '10.9.0.9')] }), ['ip.ranges[0]']],
    [() => ip({ cidrs: ['10.9.0.0/24'] }), ['ip.cidrs[0]']],
    [() => ip({ ranges: [span('10.0.0.0', '10.0.0.1')] }), ['ip.ranges']], // network and gateway address
    [() => ip({ ranges: [span('10.0.2.9')], gateway: '10.9.0.1', dns: ['x'] }), ['ip.dns[0]']],
    [() => ip({ ranges: [span('10.0.2.9')], gateway: '10.9.0.1' }), ['ip.gateway']],
    [
      () => ip({ ranges: [span('10.0.2.9')], family: 6, subnet: '10.0.0.1/8', dhcpNetwork: 'a b' }),
      ['ip.family', 'ip.dhcp_network', 'ip.subnet'],
    ],
    [() => ip({ ranges: Array.from({ length: 1_001 }, () => span('10.0.2.9')) }), ['ip.ranges']],
    [
      () =>
        port({
          ranges: [
            { first: 80, last: 1_024 },
            { first: 65_535, last: 65_536 },
          ],
        }),
      ['port.ranges[0].first', 'port.ranges[1].last'],
    ],
    [() => port({ ranges: [{ first: 40_000, last: 40_009 }, { first: 40_009 }] }), ['port.ranges[1]']],
    [
      () => port({ ranges: [{ first: 40_000 }], protocols: [PortProtocol.TCP, PortProtocol.TCP, 9] }),
      ['port.protocols[1]', 'port.protocols[2]'],
    ],
    [
      () => port({ ranges: [{ first: 40_000 }], externalIp: 'x', interface: 'a b' }),
      ['port.external_ip', 'port.interface'],
    ],
    [
      () =>
        rule({
          ranges: [
            { first: 0, last: 5 },
            { first: 1, last: 1_000_000 },
          ],
        }),
      ['rule.ranges[0].first', 'rule.ranges[1].last'],
    ],
  ];
  for (const [ask, fields] of cases) assert.deepEqual(await refusedFields(ask()), fields);
  assert.deepEqual(
    await world.query('SELECT FROM pools WHERE NOT from_settings UNION ALL SELECT FROM pool_changes OFFSET 3'),
    [],
  );
});

test('what a router has told of its subnets and interfaces is what pools may name', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  const { profile } = await import('../support/driver-side.ts');
  await world.driver.report({
    profile: {
      ...profile,
      subnets: [
        { network: 'LAN', subnet: '10.0.0.0/16', gateway: '10.0.0.1', nameServers: ['10.0.0.2'], leaseSeconds: 3_600 },
        { network: 'DMZ', subnet: '10.9.0.0/24', gateway: '10.9.0.1', subnetId: 9 },
      ],
      interfaces: [
        { name: 'eth0', addresses: ['203.0.113.2', '203.0.113.3'] },
        { name: 'eth1', addresses: ['10.0.0.1'] },
      ],
    },
  });
  await world.routerReady();
  const choices = async (asked: Promise<unknown>) => {
    const error = await asked.then(
      () => assert.fail('it was not refused'),
      (reason) => reason,
    );
    assert.ok(isKind(error, 'invalid'));
    return error.message;
  };
  assert.match(
    await choices(pools.createPool(ipPool('x', '10.8.0.1', '10.8.0.2'))),
    /ip.ranges\[0\].*10.0.0.0\/16, 10.9.0.0\/24/,
  );
  const port = (value: object) =>
    pools.createPool({
      pool: { name: 'port-pools/x', values: { case: 'port', value: { ranges: [{ first: 40_000 }], ...value } } },
    });
  assert.match(
    await choices(port({ externalIp: '203.0.113.9' })),
    /port.external_ip: the router has the addresses 203.0.113.2, 203.0.113.3/,
  );
  assert.match(await choices(port({ interface: 'eth7' })), /port.interface: the router has the interfaces eth0, eth1/);
  await port({ externalIp: '203.0.113.3', interface: 'eth0' });
  const dmz = await pools.createPool({
    pool: {
      name: 'ip-pools/dmz',
      values: { case: 'ip', value: { cidrs: ['10.9.0.0/24'], dns: ['1.1.1.1'], leaseSeconds: 60, subnetId: 8 } },
    },
  });
  assert.equal(dmz.use?.size, 253n);
  assert.deepEqual(
    dmz.warnings.map(({ code }) => code),
    [
      ...['POOL_HOLDS_NETWORK_ADDRESS', 'POOL_HOLDS_BROADCAST_ADDRESS', 'POOL_HOLDS_GATEWAY'],
      ...['POOL_SETTINGS_DIFFER', 'POOL_SETTINGS_DIFFER', 'POOL_SETTINGS_DIFFER'],
    ],
  );
  assert.equal(dmz.warnings[0]?.path, 'service dhcp-server shared-network-name DMZ subnet 10.9.0.0/24');
});

test('names are taken once, pools of a router do not overlap, and unknown ones are not found', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  await pools.createPool(portPool('one', 40_000, 40_099));
  await assert.rejects(pools.createPool(portPool('one', 41_000, 41_001)), {
    kind: 'conflict',
    code: 'POOL_NAME_TAKEN',
  });
  await assert.rejects(pools.createPool(portPool('two', 40_099, 40_100)), { kind: 'conflict', code: 'POOL_OVERLAP' });
  await pools.createPool(portPool('two', 40_100, 40_199));
  const wider = { pool: portPool('one', 40_000, 40_100).pool };
  await assert.rejects(pools.updatePool(wider), { code: 'POOL_OVERLAP' });
  for (const name of ['port-pools/three', 'ip-pools/one']) {
    await assert.rejects(pools.drainPool({ name }), { kind: 'not_found', code: 'POOL_NOT_FOUND' });
  }
  assert.deepEqual(await refusedFields(pools.getPool({ name: 'one' })), ['name']);
  await assertBooksBalance(world);
});

test('the settings’ pool makes room for others, and takes back what they leave, until it is changed by hand', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  const settings = async () => {
    const pool = await pools.getPool({ name: 'port-pools/default' });
    assert.deepEqual(pool.values.case === 'port' && pool.values.value.denied, [], 'it stays what the settings say');
    const warnings = pool.warnings.map(({ code, message }) => `${code}: ${message}`);
    return { version: pool.version, warnings, fromSettings: pool.fromSettings, size: Number(pool.use?.size) };
  };
  const before = await settings();
  const held = await world.provisioned({ vmName: 'vm' });
  assert.equal(held.vm?.forwards[0]?.externalPort, 32_000);
  await assert.rejects(pools.createPool(portPool('inside', 32_002, 32_003)), {
    code: 'POOL_IN_USE',
    message: /1 value is held, for example 32002 \(VM vm\)/,
  });
  assert.deepEqual(await settings(), before);
  await world.driver.settle((await world.decommission('vm')).vmId, { applied: true });
  await eventually(async () => (await pools.getPool({ name: 'port-pools/default' })).use?.held === 0n);
  await pools.createPool(portPool('inside', 32_000, 32_002));
  const gaveWay = (ports: string) => [
    `POOL_GAVE_WAY: Other pools have ${ports} (tcp), ${ports} (udp): not handed out from this one.`,
  ];
  assert.deepEqual(await settings(), { ...before, warnings: gaveWay('32000-32002'), size: before.size - 6 });
  await pools.updatePool({ pool: portPool('inside', 32_000, 32_003).pool });
  assert.deepEqual(await settings(), { ...before, warnings: gaveWay('32000-32003'), size: before.size - 8 });
  await pools.deletePool({ name: 'port-pools/inside' });
  assert.deepEqual(await settings(), before);
  await pools.drainPool({ name: 'port-pools/default' });
  await pools.createPool(portPool('inside', 32_000, 32_002));
  const byHand = portPool('default', 32_000, 32_100).pool;
  await assert.rejects(pools.updatePool({ pool: byHand }), { code: 'POOL_OVERLAP' });
  await pools.updatePool({ pool: portPool('default', 32_003, 32_100).pool });
  await assert.rejects(pools.updatePool({ pool: portPool('inside', 32_000, 32_003).pool }), { code: 'POOL_OVERLAP' });
  assert.deepEqual([(await settings()).fromSettings, (await settings()).warnings], [false, []]);
  await assertBooksBalance(world);
});

test('of two that make overlapping pools at once, one wins', async (t) => {
  const world = await aWorld(t, 2);
  const pools = poolSide(world);
  const results = await Promise.allSettled(
    Array.from({ length: 12 }, (_, index) => pools.createPool(portPool(`p-${index}`, 40_000 + index, 40_050 + index))),
  );
  const codes = results.map((result) => (result.status === 'fulfilled' ? 'made' : result.reason.code));
  assert.deepEqual(codes.toSorted(), [...Array.from({ length: 11 }, () => 'POOL_OVERLAP'), 'made']);
  assert.deepEqual(await world.query("SELECT count(*)::int FROM pools WHERE kind = 'port-pools'"), [{ count: 2 }]);
});

test('a dry run tells what would come of it, and keeps nothing', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  const made = await pools.createPool({ ...portPool('x', 40_000, 40_009), validateOnly: true }, keyed('k'));
  assert.deepEqual([made.version, made.use?.size], [1n, 20n]);
  await pools.createPool(portPool('x', 40_000, 40_009));
  await assert.rejects(pools.createPool({ ...portPool('y', 40_009, 40_010), validateOnly: true }), {
    code: 'POOL_OVERLAP',
  });
  const smaller = { pool: portPool('x', 40_000, 40_000).pool, validateOnly: true };
  assert.equal((await pools.updatePool(smaller)).use?.size, 2n);
  assert.equal((await pools.getPool({ name: 'port-pools/x' })).use?.size, 20n);
  assert.deepEqual(await world.query('SELECT key FROM answered_keys'), []);
  assert.deepEqual(await world.query('SELECT max(revision)::int FROM pool_changes'), [{ max: settingsChanges + 1 }]);
});

test('an update takes the fields of its mask, and those that cannot change are refused', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  await pools.createPool(portPool('x', 40_000, 40_009, { description: 'old', groups: ['blue'] }));
  const name = 'port-pools/x';
  const cleared = await pools.updatePool({
    pool: { name },
    updateMask: { paths: ['description', 'port.denied', 'groups'] },
  });
  assert.deepEqual([cleared.description, cleared.groups, cleared.use?.size], ['', [], 20n]);
  const denied = { case: 'port' as const, value: { denied: [{ first: 40_003 }] } };
  const masked = await pools.updatePool({
    pool: { name, description: 'not in the mask', values: denied },
    updateMask: { paths: ['port.denied'] },
  });
  assert.deepEqual([masked.description, masked.use?.size, masked.version], ['', 18n, 3n]);
  const same = await pools.updatePool({ pool: { name, values: denied } });
  assert.equal(same.version, 3n);
  const whole = await pools.updatePool({ pool: portPool('x', 40_000, 40_001).pool, updateMask: { paths: ['*'] } });
  assert.deepEqual([whole.use?.size, whole.version], [4n, 4n]);
  const refused = (message: Parameters<typeof pools.updatePool>[0]) => refusedFields(pools.updatePool(message));
  assert.deepEqual(await refused({ pool: { name, router: 'other' } }), ['router']);
  assert.deepEqual(await refused({ pool: { name }, updateMask: { paths: ['version'] } }), ['update_mask']);
  assert.deepEqual(await refused({ pool: { name }, updateMask: { paths: ['ip.cidrs'] } }), ['ip']);
  assert.deepEqual(await refused({ pool: { name }, updateMask: { paths: ['port'] } }), ['port.ranges']);
  assert.deepEqual(await refused({ pool: { name, values: { case: 'rule', value: { ranges: [{ first: 5 }] } } } }), [
    'rule',
  ]);
  await assert.rejects(pools.updatePool({ pool: { name, description: 'x' }, ifVersion: 3n }), {
    kind: 'precondition_failed',
    code: 'VERSION_MISMATCH',
  });
  await assert.rejects(pools.deletePool({ name, ifVersion: 3n }), { kind: 'precondition_failed' });
});

test('who may not see the VMs that hold values of a pool is told that they are held, and not by which VM', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  await pools.createPool(portPool('x', 40_000, 40_009, { groups: ['blue', 'red'] }));
  await world.provisioned({ vmName: 'blue-vm', portPool: 'port-pools/x', ownerGroup: 'blue' });
  await pools.updatePool({ pool: { name: 'port-pools/x', groups: ['red'] } });
  const shrink = portPool('x', 40_001, 40_009);
  const inUse = (message: RegExp) => ({ code: 'POOL_IN_USE', message });
  await assert.rejects(pools.updatePool(shrink, ofGroup('red')), inUse(/for example 40000 \(a VM\)\.$/));
  await assert.rejects(pools.deletePool({ name: 'port-pools/x' }, ofGroup('red')), inUse(/40000 \(a VM\), 40001/));
  await assert.rejects(pools.updatePool(shrink), inUse(/for example 40000 \(VM blue-vm\)\.$/));
});

test('values that a VM or a reservation has cannot leave the pool; those at rest can', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  await pools.createPool(portPool('x', 40_000, 40_009));
  const vm = await world.provisioned({ vmName: 'vm', portPool: 'port-pools/x' });
  const held = vm.vm?.forwards.map(({ externalPort }) => externalPort).toSorted();
  assert.deepEqual(held, [40_000, 40_001, 40_002]);
  await pools.reserve({ pool: 'port-pools/x', first: '40005', protocols: [PortProtocol.UDP] });
  const shrink = (first: number, last: number) => pools.updatePool({ pool: portPool('x', first, last).pool });
  await assert.rejects(shrink(40_001, 40_009), { code: 'POOL_IN_USE', message: /40000 \(VM vm\)/ });
  await assert.rejects(shrink(40_000, 40_004), { code: 'POOL_IN_USE', message: /40005 \(reservation / });
  const move = { name: 'port-pools/x', values: { case: 'port' as const, value: { externalIp: '203.0.113.9' } } };
  await assert.rejects(pools.updatePool({ pool: move }), { code: 'POOL_IN_USE', message: /4 values are held/ });
  assert.equal((await shrink(40_000, 40_005)).use?.size, 12n);
  await world.decommission('vm');
  await world.driver.settle(vm.vmId, { applied: true, revision: 2n });
  await eventually(async () => (await pools.getPool({ name: 'port-pools/x' })).use?.quarantined === 3n);
  const small = await shrink(40_005, 40_005);
  assert.deepEqual([small.use?.size, small.use?.reserved, small.use?.free], [2n, 1n, 1n]);
  await assertBooksBalance(world);
});

test('a draining pool hands out nothing and keeps what is held; undrained it does again', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  await pools.createPool(portPool('x', 40_000, 40_009));
  const drained = await pools.drainPool({ name: 'port-pools/x' });
  assert.deepEqual([drained.state, drained.version], [PoolState.DRAINING, 2n]);
  assert.equal((await pools.drainPool({ name: 'port-pools/x' })).version, 2n);
  await assert.rejects(world.provision({ vmName: 'vm', portPool: 'port-pools/x' }), { code: 'POOL_NOT_ACTIVE' });
  await assert.rejects(pools.reserve({ pool: 'port-pools/x' }), { code: 'POOL_NOT_ACTIVE' });
  await pools.undrainPool({ name: 'port-pools/x' });
  await world.provision({ vmName: 'vm', portPool: 'port-pools/x' });
});

test('after the answer to a drain nothing of the pool is handed out, however many were on their way', async (t) => {
  const world = await aWorld(t, 2);
  const pools = poolSide(world);
  await pools.createPool(portPool('x', 40_000, 40_199));
  const asked = Array.from({ length: 32 }, (_, index) =>
    world.provision({ vmName: `vm-${index}`, portPool: 'port-pools/x' }),
  );
  const answers = Promise.allSettled(asked);
  const drained = await pools.drainPool({ name: 'port-pools/x' });
  const results = await answers;
  const accepted = results.filter(({ status }) => status === 'fulfilled').length;
  for (const result of results) if (result.status === 'rejected') assert.equal(result.reason.code, 'POOL_NOT_ACTIVE');
  assert.equal(drained.use?.held, BigInt(3 * accepted));
  assert.equal((await pools.getPool({ name: 'port-pools/x' })).use?.held, BigInt(3 * accepted));
});

test('a pool that is removed while VMs are made out of it either stays or is empty', async (t) => {
  const world = await aWorld(t, 2);
  const pools = poolSide(world);
  await pools.createPool(portPool('x', 40_000, 40_199));
  const made = Promise.allSettled(
    Array.from({ length: 8 }, (_, index) => world.provision({ vmName: `vm-${index}`, portPool: 'port-pools/x' })),
  );
  const removed = await pools.deletePool({ name: 'port-pools/x' }).then(
    () => true,
    (error) => assert.equal(error.code, 'POOL_IN_USE'),
  );
  const accepted = (await made).filter(({ status }) => status === 'fulfilled').length;
  assert.equal(removed === true, accepted === 0);
  await assertBooksBalance(world);
});

test('a new default takes the place of the old for its groups, and both changes are told', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  const before = await pools.getPool({ name: 'port-pools/default' });
  assert.deepEqual([before.isDefault, before.fromSettings], [true, true]);
  await pools.createPool(portPool('blue', 40_000, 40_009, { groups: ['blue'], isDefault: true }));
  await pools.createPool(portPool('all', 41_000, 41_009, { isDefault: true }));
  const after = await pools.getPool({ name: 'port-pools/default' });
  assert.deepEqual([after.isDefault, after.version], [false, before.version + 1n]);
  const portOf = async (vmName: string, ownerGroup: string) =>
    (await world.provisioned({ vmName, ownerGroup })).vm?.forwards[0]?.externalPort;
  assert.equal(await portOf('one', 'blue'), 40_000);
  assert.equal(await portOf('two', 'red'), 41_000);
  await pools.updatePool({ pool: { name: 'port-pools/default', isDefault: true } });
  assert.equal(await portOf('three', 'red'), 32_000);
  await pools.updatePool({ pool: { name: 'port-pools/blue' }, updateMask: { paths: ['is_default'] } });
  assert.equal(await portOf('four', 'blue'), 32_003);
  const told = await world.query<{ change: string }>(
    "SELECT count(*)::int AS count FROM outbox WHERE subject = 'events.pool.changed.port-pools.default'",
  );
  assert.deepEqual(told, [{ count: 1 + 2 }]);
});

test('reading needs pools:read, writing pools:write for every group that the pool is for', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  await pools.createPool(portPool('blue', 40_000, 40_009, { groups: ['blue'] }));
  await pools.createPool(portPool('red', 41_000, 41_009, { groups: ['red'] }));
  const nobody = { principal: aPrincipal({ permissions: [] }) };
  const viewer = { principal: aPrincipal({ permissions: ['pools:read'] }) };
  await assert.rejects(pools.listPools({}, { principal: undefined }), { kind: 'unauthenticated' });
  await assert.rejects(pools.listPools({}, nobody), { kind: 'forbidden' });
  await assert.rejects(pools.explainValue({ value: { case: 'port', value: 40_000 } }, nobody), { kind: 'forbidden' });
  await assert.rejects(pools.drainPool({ name: 'port-pools/red' }, viewer), {
    kind: 'forbidden',
    code: 'PERMISSION_DENIED',
  });
  const forbidden = { code: 'POOL_WRITE_FORBIDDEN' };
  await pools.drainPool({ name: 'port-pools/blue' }, ofGroup('blue'));
  await assert.rejects(pools.drainPool({ name: 'port-pools/default' }, ofGroup('blue')), forbidden);
  const opened = { pool: { name: 'port-pools/blue', groups: [] as string[] }, updateMask: { paths: ['groups'] } };
  await assert.rejects(pools.updatePool(opened, ofGroup('blue')), forbidden);
  const shared = { pool: { name: 'port-pools/blue', groups: ['blue', 'red'] }, updateMask: { paths: ['groups'] } };
  await assert.rejects(pools.updatePool(shared, ofGroup('blue')), forbidden);
  const fromAll = portPool('more', 32_000, 32_001, { groups: ['blue'] });
  await assert.rejects(pools.createPool(fromAll, ofGroup('blue')), forbidden, 'those are values of the pool for all');
  await pools.createPool(portPool('more', 42_000, 42_009, { groups: ['blue'] }), ofGroup('blue'));
  await assert.rejects(pools.createPool(portPool('other', 43_000, 43_009), ofGroup('blue')), forbidden);
  const within = portPool('taken', 41_005, 41_006, { groups: ['blue'] });
  const hidden = { code: 'POOL_OVERLAP', message: 'port-pools/taken and a pool of others have values in common.' };
  await assert.rejects(pools.createPool(within, ofGroup('blue')), hidden, 'which pool it is does not show');
  await assert.rejects(pools.createPool(within), { message: /port-pools\/red and port-pools\/taken have/ });
  await pools.deletePool({ name: 'port-pools/more' }, ofGroup('blue'));
  await assert.rejects(pools.deletePool({ name: 'port-pools/red' }, ofGroup('blue')), { code: 'POOL_NOT_FOUND' });
  const names = async (context: object, group = '') =>
    (await pools.listPools({ kind: 'port-pools', group }, context)).pools.map(({ name }) => name);
  assert.deepEqual(await names(viewer), ['port-pools/blue', 'port-pools/default', 'port-pools/red']);
  assert.deepEqual(await names(ofGroup('blue')), ['port-pools/blue', 'port-pools/default']);
  assert.deepEqual(await names(viewer, 'red'), ['port-pools/default', 'port-pools/red']);
  await assert.rejects(pools.getPool({ name: 'port-pools/red' }, ofGroup('blue')), { kind: 'not_found' });
  await assert.rejects(pools.listAllocations({ pool: 'port-pools/red' }, ofGroup('blue')), { kind: 'not_found' });
});

test('pools are listed page by page, and a page token continues no other list', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  for (const [index, id] of ['b', 'a', 'c'].entries()) {
    await pools.createPool(portPool(id, 40_000 + index * 10, 40_005 + index * 10));
  }
  const seen: string[][] = [];
  for (let pageToken = '', more = true; more; ) {
    const page = await pools.listPools({ pageSize: 2, pageToken });
    seen.push(page.pools.map(({ name }) => name));
    pageToken = page.nextPageToken;
    more = pageToken !== '';
  }
  assert.deepEqual(seen, [
    ['ip-pools/default', 'port-pools/a'],
    ['port-pools/b', 'port-pools/c'],
    ['port-pools/default', 'rule-pools/default'],
  ]);
  const { nextPageToken } = await pools.listPools({ pageSize: 2 });
  for (const wrong of [{ pageToken: 'x' }, { pageToken: nextPageToken, kind: 'ip-pools' }]) {
    await assert.rejects(pools.listPools(wrong), { kind: 'invalid', code: 'PAGE_TOKEN_INVALID' });
  }
  assert.deepEqual(await refusedFields(pools.listPools({ kind: 'pools' })), ['kind']);
});

test('a page of pools ends where the next one would not go into the message', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  for (const [index, id] of ['a', 'b', 'c'].entries()) {
    await pools.createPool(portPool(id, 40_000 + index * 10, 40_005 + index * 10));
  }
  await world.query("UPDATE pools SET description = repeat('x', 300000) WHERE name <> 'default'");
  const first = await pools.listPools({ kind: 'port-pools' });
  const names = (page: typeof first) => page.pools.map(({ name }) => name);
  assert.deepEqual(names(first), ['port-pools/a', 'port-pools/b']);
  const second = await pools.listPools({ kind: 'port-pools', pageToken: first.nextPageToken });
  assert.deepEqual([names(second), second.nextPageToken], [['port-pools/c', 'port-pools/default'], '']);
});

test('a repeat with the same key gets the same answer, whatever happened since; another body is refused', async (t) => {
  const world = await aWorld(t, 2);
  const pools = poolSide(world);
  const twice = await Promise.all(
    Array.from({ length: 6 }, () => pools.createPool(portPool('x', 40_000, 40_009), keyed('create'))),
  );
  for (const answer of twice) assert.deepEqual(answer, twice[0]);
  await assert.rejects(pools.createPool(portPool('y', 41_000, 41_009), keyed('create', 'two')), {
    kind: 'unprocessable',
    code: 'IDEMPOTENCY_KEY_REUSED',
  });
  await Promise.all([1, 2, 3].map(() => pools.deletePool({ name: 'port-pools/x' }, keyed('delete'))));
  await pools.deletePool({ name: 'port-pools/x' }, keyed('delete'));
  assert.deepEqual(await pools.createPool(portPool('x', 40_000, 40_009), keyed('create')), twice[0]);
  await assert.rejects(pools.getPool({ name: 'port-pools/x' }), { kind: 'not_found' });
  await assert.rejects(pools.drainPool({ name: 'port-pools/x' }, keyed('drain')), { kind: 'not_found' });
  await world.query("UPDATE answered_keys SET created_at = now() - interval '25 hours'");
  await pools.createPool(portPool('x', 40_000, 40_009), keyed('create'));
  await pools.drainPool({ name: 'port-pools/x' }, keyed('drain'));
  assert.deepEqual(await world.query('SELECT max(revision)::int FROM pool_changes'), [{ max: settingsChanges + 4 }]);
});

test('a write whose deadline has passed is refused and leaves nothing', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  const late = { deadline: timestampFromMs(Date.now() - 1), ...keyed('k') };
  const refused = { kind: 'unavailable', code: 'DEADLINE_PASSED' };
  await assert.rejects(pools.createPool(portPool('x', 40_000, 40_009), late), refused);
  await assert.rejects(pools.drainPool({ name: 'port-pools/default' }, late), refused);
  await assert.rejects(pools.release({ reservationId: crypto.randomUUID() }, late), refused);
  assert.deepEqual(await world.query('SELECT FROM answered_keys UNION ALL SELECT FROM pool_changes OFFSET 3'), []);
});
