import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { isKind } from '@berth/errors';
import { eventually } from '@berth/testing';
import { numbersOutOfStep } from '../support/with-pools.ts';
import { makeWorld, type World } from '../support/world.ts';

interface Held {
  readonly kind: string;
  readonly external_ip: string;
  readonly number: string;
}

/** Every number that is held, one row each. */
const heldNumbers = (world: World): Promise<Held[]> =>
  world.query<Held>(
    `SELECT s.kind, s.external_ip, n::text AS number FROM allocations a JOIN spaces s ON s.id = a.space_id,
       generate_series(lower(a.held), upper(a.held) - 1) n WHERE a.kind = 'vm'`,
  );

const assertBooksBalance = async (world: World) => assert.deepEqual(await numbersOutOfStep(world), []);

/** Pools that are small enough to be compared number by number. */
const smallPools = {
  addressRange: { first: 0x0a_00_00_64, last: 0x0a_00_00_64 + 63 },
  portRange: { first: 32_000, last: 32_000 + 3 * 64 - 1 },
  ruleRange: { first: 10_000, last: 10_000 + 3 * 64 - 1 },
};

test('64 callers of two replicas share out pools that hold just enough, and nothing is held twice', async (t) => {
  const world = await makeWorld(t, { replicas: 2, config: { pools: smallPools } });
  const operations = await Promise.all(
    Array.from({ length: 64 }, (_, index) => world.provision({ vmName: `vm-${index}` })),
  );
  const vms = await Promise.all(operations.map(({ vmId }) => world.driver.change(vmId)));
  const addresses = vms.map(({ desired }) => desired?.mapping?.ipAddress);
  assert.equal(new Set(addresses).size, 64);
  const ports = vms.flatMap(({ desired }) => desired?.rules.map((rule) => rule.destinationPort) ?? []);
  assert.equal(new Set(ports).size, 3 * 64);
  const held = await heldNumbers(world);
  assert.equal(held.length, 64 + 2 * 3 * 64);
  assert.equal(new Set(held.map((row) => JSON.stringify(row))).size, held.length);

  await assert.rejects(world.provision({ vmName: 'one-too-many' }), { code: 'ADDRESS_POOL_EXHAUSTED' });
  await assertBooksBalance(world);
});

test('of many who want the same name, MAC, mapping or port, one gets it and the others keep nothing', async (t) => {
  const world = await makeWorld(t, { replicas: 2, config: { pools: smallPools } });
  const wanting = [
    {
      code: 'VM_NAME_TAKEN',
      init: (index: number) => ({ vmName: index % 2 ? 'Same' : 'same', hostname: `h-${index}` }),
    },
    { code: 'MAC_TAKEN', init: (index: number) => ({ vmName: `mac-${index}`, macAddress: '52:54:00:00:00:01' }) },
    { code: 'HOSTNAME_TAKEN', init: (index: number) => ({ vmName: `host-${index}`, hostname: 'One' }) },
    {
      code: 'EXTERNAL_PORT_TAKEN',
      init: (index: number) => ({ vmName: `port-${index}`, forwards: [{ name: 'ssh', externalPort: 40_000 }] }),
    },
  ];
  for (const { code, init } of wanting) {
    const results = await Promise.allSettled(Array.from({ length: 12 }, (_, index) => world.provision(init(index))));
    const lost = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    assert.equal(lost.length, 11, code);
    for (const error of lost) assert.ok(isKind(error, 'conflict') && error.code === code, String(error));
  }
  const [counts] = await world.query(
    `SELECT (SELECT count(*)::int FROM vms) AS vms, (SELECT count(*)::int FROM operations) AS operations,
       (SELECT count(DISTINCT vm_id)::int FROM allocations) AS holders, (SELECT count(*)::int FROM claims) AS claims`,
  );
  assert.deepEqual(counts, { vms: 4, operations: 4, holders: 4, claims: 12 });
  await assertBooksBalance(world);
});

test('a failure in the middle of a shared transaction is its own: the others are accepted', async (t) => {
  const world = await makeWorld(t);
  await world.provision({ vmName: 'first', macAddress: '52:54:00:00:00:09' });
  const results = await Promise.allSettled([
    world.provision({ vmName: 'good-1' }),
    world.provision({ vmName: 'bad-mac', macAddress: '52:54:00:00:00:09' }),
    world.provision({ vmName: 'bad-port', forwards: [{ name: 'ssh', externalPort: 32_000 }] }),
    world.provision({ vmName: 'bad-range', addressRange: { first: '10.0.0.2', last: '10.0.0.2' } }),
    world.provision({ vmName: 'good-2' }),
  ]);
  assert.deepEqual(
    results.map((result) => (result.status === 'fulfilled' ? 'accepted' : result.reason.code)),
    ['accepted', 'MAC_TAKEN', 'EXTERNAL_PORT_TAKEN', 'ADDRESS_POOL_EXHAUSTED', 'accepted'],
  );
});

test('each pool that runs out says so, and what was taken before is given back', async (t) => {
  const pools = {
    ...smallPools,
    portRange: { first: 32_000, last: 32_004 },
    ruleRange: { first: 10_000, last: 10_009 },
  };
  const world = await makeWorld(t, { config: { pools } });
  await world.provision({ vmName: 'a' });
  await assert.rejects(world.provision({ vmName: 'b' }), { kind: 'exhausted', code: 'PORT_POOL_EXHAUSTED' });
  const forwards = Array.from({ length: 6 }, (_, index) => ({
    name: `f${index}`,
    internalPort: 80,
    externalPort: 40_000 + index,
  }));
  await assert.rejects(world.provision({ vmName: 'c', forwards }), { code: 'RULE_POOL_EXHAUSTED' });
  await assertBooksBalance(world);
  await world.provision({ vmName: 'b', noForwards: true });
});

test('free spans that contradict the allocations hand out nothing twice, and are made anew', async (t) => {
  const world = await makeWorld(t, { config: { pools: smallPools } });
  const first = await world.provision({ vmName: 'first' });
  // As a lost update would leave it: the first VM's values look free.
  await world.query(
    `UPDATE free_spans f SET first = lower(r.span) FROM segment_ranges r JOIN segments g ON g.id = r.segment_id
     WHERE f.segment_id = g.id AND g.pool_id IS NOT NULL AND f.first > lower(r.span) AND f.first < lower(r.span) + 10`,
  );
  const second = await world.provision({ vmName: 'second' });
  const changes = await Promise.all([first, second].map(({ vmId }) => world.driver.change(vmId)));
  assert.notEqual(changes[0]?.desired?.mapping?.ipAddress, changes[1]?.desired?.mapping?.ipAddress);
  await assertBooksBalance(world);
});

test('free spans that contradict what is given up are made anew, and the verdict or quarantine ends', async (t) => {
  const world = await makeWorld(t, { config: { pools: smallPools, quarantineMs: 300 } });
  const everythingLooksFree = () =>
    world.query(
      `UPDATE free_spans f SET first = lower(r.span) FROM segment_ranges r JOIN segments g ON g.id = r.segment_id
       WHERE f.segment_id = g.id AND g.pool_id IS NOT NULL AND f.last = upper(r.span) - 1`,
    );
  const { vmId } = await world.provisioned({ vmName: 'vm' });
  const refused = await world.provision({ vmName: 'refused' });
  await world.driver.change(refused.vmId);
  await everythingLooksFree();
  await world.driver.settle(refused.vmId, { applied: false });
  await world.ended(refused);
  await assertBooksBalance(world);

  const removal = await world.decommission('vm');
  await world.driver.change(vmId, 2n);
  await everythingLooksFree();
  await world.driver.settle(vmId, { applied: true });
  await world.ended(removal);
  await eventually(async () => (await world.query("SELECT FROM allocations WHERE kind <> 'foreign'")).length === 0);
  await assertBooksBalance(world);
});

test('ranges that a caller names are taken from inside and outside the pools, within the subnet', async (t) => {
  const world = await makeWorld(t, { config: { pools: smallPools } });
  const asked = {
    addressRange: { first: '10.0.9.5', last: '10.0.9.5' },
    portRange: { start: 41_000, end: 41_002 },
  };
  const operation = await world.provision({ vmName: 'ranged', ...asked });
  const { desired } = await world.driver.change(operation.vmId);
  assert.equal(desired?.mapping?.ipAddress, '10.0.9.5');
  assert.deepEqual(
    desired?.rules.map((rule) => rule.destinationPort),
    ['41000', '41001', '41002'],
  );
  await assert.rejects(world.provision({ vmName: 'again', ...asked, portRange: { start: 42_000, end: 42_010 } }), {
    code: 'ADDRESS_POOL_EXHAUSTED',
  });
  await assert.rejects(world.provision({ vmName: 'again', portRange: { start: 41_000, end: 41_004 } }), {
    code: 'PORT_POOL_EXHAUSTED',
  });
  const outside = { first: '10.1.0.5', last: '10.1.0.9' };
  await assert.rejects(world.provision({ vmName: 'outside', addressRange: outside }), (error) => {
    assert.ok(isKind(error, 'invalid'));
    assert.deepEqual(
      error.details.fields?.map(({ field }) => field),
      ['ip_range'],
    );
    return true;
  });
  await assertBooksBalance(world);
});

test('a port for tcp and udp is free in both, also far behind what is free in one', async (t) => {
  const world = await makeWorld(t, { config: { pools: smallPools } });
  const many = Array.from({ length: 90 }, (_, index) => ({ name: `f${index}`, internalPort: 80 }));
  const tcp = await world.provision({ vmName: 'tcp', forwards: many });
  await world.driver.settle(tcp.vmId, { applied: true });
  const both = await world.provision({ vmName: 'both', forwards: [{ name: 'dns', internalPort: 53, protocol: 3 }] });
  const { desired } = await world.driver.change(both.vmId);
  assert.deepEqual(
    desired?.rules.map(({ protocol, destinationPort, number }) => [protocol, destinationPort, number]),
    [['tcp_udp', '32090', 10_096]],
  );
  await eventually(() => assertBooksBalance(world).then(() => true));
});

test('a VM id that another router’s transaction takes at the same time is refused', async (t) => {
  const world = await makeWorld(t);
  await world.provisioned({ vmName: 'vm' });
  const vmId = randomUUID();
  let refused: Promise<unknown> | undefined;
  await world.database.transaction(async (sql) => {
    await sql.query(
      `INSERT INTO vms SELECT (jsonb_populate_record(v, jsonb_build_object('id', $1::text, 'router', 'second', 'name', 'elsewhere'))).* FROM vms v`,
      [vmId],
    );
    refused = assert.rejects(world.provision({ vmId, vmName: 'here' }), { kind: 'conflict', code: 'VM_ID_TAKEN' });
    await world.someoneWaits();
  });
  await refused;
  assert.equal((await world.vm(vmId)).name, 'elsewhere');
  assert.equal((await world.provision({ vmName: 'here' })).vmName, 'here');
});
