import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '@berth/testing';
import { profile } from '../support/driver-side.ts';
import { addPool, addresses, changePools, numbersOutOfStep, setState, shrinkDefault } from '../support/with-pools.ts';
import { makeWorld, type World } from '../support/world.ts';

const pools = {
  addressRange: addresses('10.0.0.100-10.0.0.107'),
  portRange: { first: 32_000, last: 32_031 },
  ruleRange: { first: 10_000, last: 10_063 },
};

interface PoolRow {
  readonly name: string;
  readonly kind: string;
  readonly from_settings: boolean;
  readonly version: string;
  readonly spec: { readonly ranges: readonly unknown[]; readonly exclusions?: readonly unknown[] };
}

const poolRows = (world: World) =>
  world.query<PoolRow>('SELECT name, kind, from_settings, version, spec FROM pools ORDER BY kind, name');
const rangesOf = async (world: World) =>
  Object.fromEntries((await poolRows(world)).map(({ kind, spec }) => [kind, spec.ranges]));

/** As when an allocator starts with other settings. */
async function restartedWith(world: World, change: Partial<typeof pools>): Promise<void> {
  Object.assign(world.config.pools, change);
  await world.startReplica();
}

test('the settings make a pool of each kind, and change those that nobody else has changed', async (t) => {
  const world = await makeWorld(t, { config: { pools: { ...pools } } });
  assert.deepEqual(
    (await poolRows(world)).map(({ kind, name, from_settings, version }) => [kind, name, from_settings, version]),
    [
      ['ip-pools', 'default', true, '1'],
      ['port-pools', 'default', true, '1'],
      ['rule-pools', 'default', true, '1'],
    ],
  );
  await world.provisioned({ vmName: 'vm' });
  await shrinkDefault(world, 'port-pools', { ranges: [{ first: 33_000, last: 33_009 }] });
  const next = { portRange: { first: 40_000, last: 40_009 }, addressRange: addresses('10.0.0.101-10.0.0.109') };
  await restartedWith(world, next);
  assert.deepEqual(await rangesOf(world), {
    'ip-pools': [next.addressRange],
    'port-pools': [{ first: 33_000, last: 33_009 }],
    'rule-pools': [pools.ruleRange],
  });
  assert.deepEqual(await numbersOutOfStep(world), []);
  const { vmId } = await world.provision({ vmName: 'next' });
  const { desired } = await world.driver.change(vmId);
  assert.deepEqual([desired?.mapping?.ipAddress, desired?.rules[0]?.destinationPort], ['10.0.0.101', '33000']);
  await restartedWith(world, {});
  assert.deepEqual(
    (await poolRows(world)).map(({ version }) => version),
    ['2', '2', '1'],
  );
});

test('a pool of the settings that was deleted stays deleted', async (t) => {
  const world = await makeWorld(t, { config: { pools: { ...pools } } });
  await changePools(world, (query) => query("DELETE FROM pools WHERE kind = 'ip-pools'"));
  await restartedWith(world, {});
  await world.driver.report({ profile: { ...profile, gateway: '10.0.0.9' } });
  await eventually(async () => (await world.query("SELECT FROM routers WHERE gateway = '10.0.0.9'")).length === 1);
  assert.deepEqual(
    (await poolRows(world)).map(({ kind }) => kind),
    ['port-pools', 'rule-pools'],
  );
  await assert.rejects(world.provision({ vmName: 'vm' }), { code: 'NO_DEFAULT_POOL' });
});

test('a second router’s pools have its name, or another one when that is taken', async (t) => {
  const world = await makeWorld(t, { config: { pools: { ...pools } } });
  await addPool(world, { kind: 'rule-pools', name: 'second', ranges: [{ first: 1, last: 9 }] });
  await world.query(
    `INSERT INTO routers SELECT (jsonb_populate_record(r, '{"name": "second"}')).* FROM routers r WHERE name = 'default'`,
  );
  await restartedWith(world, {});
  const second = await world.query("SELECT kind, name FROM pools WHERE router = 'second' ORDER BY kind");
  assert.deepEqual(second, [
    { kind: 'ip-pools', name: 'second' },
    { kind: 'port-pools', name: 'second' },
    { kind: 'rule-pools', name: 'second-default' },
  ]);
  await world.provision({ vmName: 'vm', router: 'second' });
});

test('when a router’s place changes, pools that say nothing of it go along, and others stay', async (t) => {
  const world = await makeWorld(t, { config: { pools: { ...pools, addressRange: undefined } } });
  const { vmId } = await world.provisioned({ vmName: 'before' });
  await addPool(world, {
    kind: 'port-pools',
    name: 'fixed',
    externalIp: '198.51.100.9',
    ranges: [{ first: 32_000, last: 32_009 }],
  });
  await world.driver.report({
    profile: { ...profile, externalIp: '203.0.113.9', dhcpSubnet: '10.5.0.0/28', gateway: '10.5.0.1' },
  });
  await eventually(async () => (await world.query("SELECT FROM routers WHERE gateway = '10.5.0.1'")).length === 1);
  const segments = await world.query(
    `SELECT p.name, s.kind, s.external_ip, range_agg(r.span)::text AS ranges FROM segments g JOIN spaces s ON s.id = g.space_id
     JOIN pools p ON p.id = g.pool_id LEFT JOIN segment_ranges r ON r.segment_id = g.id
     WHERE s.kind IN ('address', 'tcp') GROUP BY 1, 2, 3 ORDER BY 1, 2`,
  );
  assert.deepEqual(segments, [
    { name: 'default', kind: 'address', external_ip: '', ranges: '{[168099842,168099855)}' },
    { name: 'default', kind: 'tcp', external_ip: '203.0.113.9', ranges: '{[32000,32032)}' },
    { name: 'fixed', kind: 'tcp', external_ip: '198.51.100.9', ranges: '{[32000,32010)}' },
  ]);
  const after = await world.provision({ vmName: 'after' });
  const { desired } = await world.driver.change(after.vmId);
  assert.deepEqual(
    [desired?.mapping?.subnet, desired?.mapping?.ipAddress, desired?.rules[0]?.destinationAddress],
    ['10.5.0.0/28', '10.5.0.2', '203.0.113.9'],
  );
  const removal = await world.decommission('before');
  await world.driver.change(vmId, 2n);
  await world.driver.settle(vmId, { applied: true });
  await world.ended(removal);
  assert.deepEqual(await numbersOutOfStep(world), []);
});

test('a router’s report is taken in although pools come to overlap by it', async (t) => {
  const world = await makeWorld(t, { config: { pools: { ...pools } } });
  await addPool(world, {
    kind: 'port-pools',
    name: 'fixed',
    externalIp: '203.0.113.9',
    ranges: [{ first: 32_000, last: 32_009 }],
  });
  await addPool(world, {
    kind: 'ip-pools',
    name: 'edge',
    subnet: '10.5.0.0/24',
    ranges: [addresses('10.5.0.2-10.5.0.9')],
  });
  await restartedWith(world, { addressRange: addresses('10.5.0.0-10.5.0.12') });
  await world.driver.report({
    profile: { ...profile, externalIp: '203.0.113.9', dhcpSubnet: '10.5.0.0/24', gateway: '10.5.0.1' },
  });
  await eventually(async () => (await world.query("SELECT FROM routers WHERE gateway = '10.5.0.1'")).length === 1);
  const { vmId } = await world.provision({ vmName: 'vm' });
  const { desired } = await world.driver.change(vmId);
  assert.deepEqual([desired?.mapping?.ipAddress, desired?.rules[0]?.destinationPort], ['10.5.0.10', '32010']);
  assert.deepEqual(await numbersOutOfStep(world), []);
  await setState(world, 'port-pools', 'fixed', 'draining'); // what is left of it can still be changed
});

test('a router’s pools find a name however many of those that fit are taken', async (t) => {
  const world = await makeWorld(t, { config: { pools: { ...pools } } });
  for (const [place, name] of ['second', 'second-default', 'second-default-2'].entries()) {
    await addPool(world, { kind: 'rule-pools', name, ranges: [{ first: place + 1, last: place + 1 }] });
  }
  await world.query(
    `INSERT INTO routers SELECT (jsonb_populate_record(r, '{"name": "second"}')).* FROM routers r WHERE name = 'default'`,
  );
  await restartedWith(world, {});
  const second = await world.query("SELECT name FROM pools WHERE router = 'second' AND kind = 'rule-pools'");
  assert.deepEqual(second, [{ name: 'second-default-3' }]);
});

test('a name that is taken in the very moment in which a router’s pools are made does not cost it a pool', async (t) => {
  const world = await makeWorld(t, { config: { pools: { ...pools } } });
  const record = `(jsonb_populate_record(r, '{"name": "second"}')).*`;
  await world.query(`INSERT INTO routers SELECT ${record} FROM routers r WHERE name = 'default'`);
  let restarted: Promise<void> | undefined;
  await world.database.transaction(async (sql) => {
    await sql.execute("INSERT INTO pools (kind, name, router, spec) VALUES ('rule-pools', 'second', 'default', '{}')");
    restarted = restartedWith(world, {});
    await world.someoneWaits();
  });
  await restarted;
  const second = await world.query("SELECT kind, name FROM pools WHERE router = 'second' ORDER BY kind");
  assert.deepEqual(second, [
    { kind: 'ip-pools', name: 'second' },
    { kind: 'port-pools', name: 'second' },
    { kind: 'rule-pools', name: 'second-default' },
  ]);
  assert.equal((await world.query("SELECT FROM pool_seeds WHERE router = 'second'")).length, 3);
});
