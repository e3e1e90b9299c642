import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Operation, OperationKind, OperationState, PortAction, Protocol } from '@berth/contracts';
import { eventually } from '@berth/testing';
import { makeWorld, type World } from '../support/world.ts';

const { PENDING, RUNNING, SUCCEEDED, FAILED } = OperationState;

const rulesOf = async (world: World, vmId: string, revision: bigint) =>
  (await world.driver.change(vmId, revision)).desired?.rules.map((rule) =>
    [rule.number, rule.protocol, rule.destinationPort, rule.translationPort, rule.sourceAddress].join(' ').trim(),
  );

/** What living VMs hold for their forwards, as text. */
const held = async (world: World) =>
  (
    await world.query<{ text: string }>(
      `SELECT s.kind || ' ' || a.held || ' ' || a.slot AS text FROM allocations a JOIN spaces s ON s.id = a.space_id
       WHERE a.kind = 'vm' AND s.kind <> 'address' ORDER BY s.kind, a.held`,
    )
  ).map(({ text }) => text);

/** Free spans and allocations together name every number of the pools exactly once. */
async function assertBooksBalance(world: World): Promise<void> {
  const wrong = await world.query(
    `SELECT g.id, n FROM segments g JOIN segment_ranges r ON r.segment_id = g.id, generate_series(lower(r.span), upper(r.span) - 1) n
     WHERE g.pool_id IS NOT NULL AND (SELECT count(*) FROM free_spans f WHERE f.segment_id = g.id AND n BETWEEN f.first AND f.last)
         + (SELECT count(*) FROM allocations a WHERE a.space_id = g.space_id AND a.held @> n) <> 1 LIMIT 5`,
  );
  assert.deepEqual(wrong, []);
}

const pools = {
  addressRange: { first: 0x0a_00_00_64, last: 0x0a_00_00_64 + 31 },
  portRange: { first: 32_000, last: 32_063 },
  ruleRange: { first: 10_000, last: 10_063 },
};

test('forwards are made, changed and deleted in one revision, and hold exactly what they need', async (t) => {
  const world = await makeWorld(t, { config: { pools } });
  const { vmId } = await world.provisioned({
    vmName: 'vm',
    forwards: [{ name: 'ssh' }, { name: 'http' }, { name: 'db', internalPort: 5_432, externalPort: 32_010 }],
  });
  const change = await world.changeForwards('vm', {
    create: [
      { name: 'range', internalPort: 8_000, internalPortEnd: 8_001, protocol: Protocol.TCP_UDP, disabled: true },
      { name: 'same', internalPort: 40_000, internalPortEnd: 40_009, externalPort: 40_000 },
      {
        name: 'many',
        internalPort: 9_000,
        externalPortCount: 3,
        source: '192.0.2.1',
        moreSources: ['198.51.100.0/24'],
      },
    ],
    update: [{ name: 'db', externalPort: 32_020, newName: 'postgres', description: 'the database' }],
    delete: ['http'],
  });
  assert.deepEqual([change.kind, change.state], [OperationKind.CHANGE_FORWARDS, RUNNING]);
  assert.deepEqual(await rulesOf(world, vmId, 2n), [
    '10000 tcp 32000 22',
    '10003 tcp 32020 5432',
    '10004 tcp_udp 32002 8000',
    '10005 tcp_udp 32003 8001',
    '10006 tcp 40000-40009 40000-40009',
    '10007 tcp 32004-32006 9000 192.0.2.1',
    '10008 tcp 32004-32006 9000 198.51.100.0/24',
  ]);
  assert.ok((await held(world)).includes('tcp [32010,32011) db'), 'what it had is held until the verdict');
  const ended = await world.applied(change, 2n);
  assert.deepEqual(
    ended.vm?.forwards.map(({ name, externalPort, externalPortEnd, natRuleNumbers, enabled }) => [
      name,
      externalPort,
      externalPortEnd,
      natRuleNumbers,
      enabled,
    ]),
    [
      ['ssh', 32_000, 32_000, [10_000], true],
      ['postgres', 32_020, 32_020, [10_003], true],
      ['range', 32_002, 32_003, [10_004, 10_005], false],
      ['same', 40_000, 40_009, [10_006], true],
      ['many', 32_004, 32_006, [10_007, 10_008], true],
    ],
  );
  assert.deepEqual(
    ended.vm?.absentForwards.map(({ name, natRuleNumber }) => [name, natRuleNumber]),
    [
      ['http', 10_001],
      ['https', 10_002],
    ],
  );
  assert.deepEqual(await held(world), [
    'rule [10000,10004) ',
    'rule [10004,10006) range',
    'rule [10006,10007) same',
    'rule [10007,10009) many',
    'tcp [32000,32001) ssh',
    'tcp [32002,32004) range',
    'tcp [32004,32007) many',
    'tcp [32020,32021) postgres',
    'tcp [40000,40010) same',
    'udp [32002,32004) range',
  ]);
  await assertBooksBalance(world);
});

test('a refused change leaves VM and books as they were, whether or not its values may have stood', async (t) => {
  const world = await makeWorld(t, { config: { pools, quarantineMs: 1 } });
  const { vmId } = await world.provisioned({ vmName: 'vm', forwards: [{ name: 'ssh' }, { name: 'http' }] });
  const [before, heldBefore] = [await world.vm('vm'), await held(world)];
  for (const [index, stood] of [false, true].entries()) {
    const change = await world.changeForwards('vm', {
      create: [{ name: 'range', internalPort: 8_000, internalPortEnd: 8_003, moreSources: ['192.0.2.1', '192.0.2.2'] }],
      update: [
        { name: 'ssh', newName: 'shell', protocol: Protocol.TCP_UDP, externalPort: 32_030, externalPortEnd: 32_033 },
      ],
      delete: ['http'],
    });
    const revision = BigInt(index + 2);
    await world.driver.change(vmId, revision);
    await world.driver.settle(vmId, { applied: false, stood, message: 'no' });
    assert.equal((await world.ended(change)).error?.message, 'no');
    const after = await world.vm('vm');
    assert.deepEqual([after.forwards, after.absentForwards], [before.forwards, before.absentForwards]);
    await eventually(async () => (await world.query("SELECT FROM allocations WHERE kind = 'quarantine'")).length === 0);
    assert.deepEqual(await held(world), heldBefore);
    await assertBooksBalance(world);
  }
});

test('ranges grow and shrink at both ends: what is given up rests, what stays is held on', async (t) => {
  const world = await makeWorld(t, { config: { pools } });
  const range = { name: 'range', internalPort: 80, externalPort: 32_012, externalPortEnd: 32_015 };
  const { vmId } = await world.provisioned({ vmName: 'vm', forwards: [range] });
  const ends = [
    [32_010, 32_017, ['[32010,32012)', '[32012,32016)', '[32016,32018)'], []],
    [32_011, 32_014, ['[32011,32012)', '[32012,32015)'], ['[32010,32011)', '[32015,32016)', '[32016,32018)']],
  ] as const;
  for (const [index, [externalPort, externalPortEnd, holds, rests]] of ends.entries()) {
    const change = await world.changeForwards('vm', { update: [{ name: 'range', externalPort, externalPortEnd }] });
    await world.applied(change, BigInt(index + 2));
    const rows = await world.query<{ held: string; kind: string }>(
      "SELECT held::text, kind FROM allocations a WHERE slot = 'range' ORDER BY a.held",
    );
    const of = (kind: string) => rows.filter((row) => row.kind === kind).map((row) => row.held);
    assert.deepEqual([of('vm'), of('quarantine')], [[...holds], [...rests]]);
    await assertBooksBalance(world);
  }
  assert.equal((await world.driver.change(vmId, 3n)).desired?.rules[0]?.destinationPort, '32011-32014');
  const removal = await world.decommission('vm');
  await world.applied(removal, 4n);
  assert.deepEqual(await held(world), []);
});

test('what cannot be is told at once and nothing is kept', async (t) => {
  const world = await makeWorld(t, { config: { pools } });
  await world.provisioned({ vmName: 'vm', forwards: [{ name: 'ssh' }] });
  await world.provisioned({ vmName: 'other', forwards: [{ name: 'ssh', externalPort: 32_040 }] });
  const heldBefore = await held(world);
  const refused = (lists: Parameters<World['changeForwards']>[1], expected: object) =>
    assert.rejects(world.changeForwards('vm', lists), expected);
  const web = { name: 'web', internalPort: 80 };
  await refused({ create: [{ name: 'ssh' }] }, { kind: 'conflict', code: 'FORWARD_EXISTS' });
  await refused({ update: [{ name: 'http', enabled: true }] }, { kind: 'not_found', code: 'PORT_NOT_FOUND' });
  await refused({ create: [web], delete: ['nothing'] }, { kind: 'not_found', code: 'PORT_NOT_FOUND' });
  await refused({ create: [web], update: [{ name: 'ssh', externalPort: 32_040 }] }, { code: 'EXTERNAL_PORT_TAKEN' });
  await refused({ create: [web, { ...web, name: 'x', externalPort: 32_000 }] }, { code: 'EXTERNAL_PORT_TAKEN' });
  await refused({ create: [web, { ...web, internalPortEnd: 144, name: 'x' }] }, { kind: 'invalid' });
  await refused({ create: [{ ...web, internalPortEnd: 140, externalPort: 40_000 }] }, { code: 'RULE_POOL_EXHAUSTED' });
  await refused({ create: [web], delete: ['web'] }, { kind: 'invalid' });
  await refused({ create: [{ ...web, externalPortCount: 60 }] }, { kind: 'exhausted', code: 'PORT_POOL_EXHAUSTED' });
  await assert.rejects(world.changeForwards('nobody', { create: [web] }), { code: 'VM_NOT_FOUND' });
  assert.deepEqual(await held(world), heldBefore);
  await assertBooksBalance(world);
  const nothing = await world.changeForwards('vm', {
    update: [{ name: 'ssh', enabled: true, protocol: Protocol.TCP }],
  });
  assert.equal(nothing.state, SUCCEEDED);
  assert.equal((await world.vm('vm')).changing, false);
});

test('changes by action and as described that wait go together, each seeing what those before it make', async (t) => {
  const world = await makeWorld(t, { config: { pools } });
  const { vmId } = await world.provisioned({ vmName: 'vm', forwards: [{ name: 'ssh' }] });
  const running = await world.changePorts('vm', PortAction.CREATE, ['http']);
  const waiting = [
    await world.changeForwards('vm', { create: [{ name: 'db', internalPort: 5_432, externalPort: 32_010 }] }),
    await world.changePorts('vm', PortAction.DISABLE, ['db']),
    await world.changeForwards('vm', { update: [{ name: 'db', newName: 'pg', externalPort: 32_011 }] }),
    await world.changeForwards('vm', { update: [{ name: 'ssh', externalPort: 32_012 }], delete: ['http'] }),
  ];
  assert.ok(waiting.every(({ state }) => state === PENDING));
  assert.equal((await world.vm('vm')).changing, true);
  await world.driver.settle(vmId, { applied: true, revision: 2n });
  await world.ended(running);
  assert.deepEqual(
    (await world.driver.change(vmId, 3n)).operationIds,
    waiting.map(({ id }) => id),
  );
  assert.deepEqual(await rulesOf(world, vmId, 3n), ['10000 tcp 32012 22', '10003 tcp 32011 5432']);
  await world.driver.settle(vmId, { applied: true, revision: 3n });
  const names = (operation: Operation) =>
    operation.vm?.forwards.map(({ name, externalPort }) => `${name} ${externalPort}`);
  const ended = await Promise.all(waiting.map((operation) => world.ended(operation)));
  assert.deepEqual(ended.map(names), [
    ['ssh 32000', 'http 32001', 'db 32010'],
    ['ssh 32000', 'http 32001', 'db 32010'],
    ['ssh 32000', 'http 32001', 'pg 32011'],
    ['ssh 32012', 'pg 32011'],
  ]);
  assert.deepEqual(await held(world), [
    'rule [10000,10003) ',
    'rule [10003,10004) pg',
    'tcp [32011,32012) pg',
    'tcp [32012,32013) ssh',
  ]);
  // 32010 was taken and given up on the way: the router was never asked for it.
  const rests = await world.query<{ held: string }>(
    "SELECT held::text FROM allocations a WHERE kind = 'quarantine' ORDER BY a.held",
  );
  assert.deepEqual(
    rests.map((row) => row.held),
    ['[32000,32001)', '[32001,32002)'],
  );
  await assertBooksBalance(world);
});

test('refused together, changes are tried one by one, and each reserves anew what it needs', async (t) => {
  const world = await makeWorld(t, { config: { pools } });
  const { vmId } = await world.provisioned({ vmName: 'vm', forwards: [{ name: 'ssh' }] });
  const running = await world.changePorts('vm', PortAction.DISABLE, ['ssh']);
  const bad = await world.changeForwards('vm', { create: [{ name: 'bad', internalPort: 1, externalPortCount: 4 }] });
  const good = await world.changeForwards('vm', { create: [{ name: 'good', internalPort: 2, externalPortCount: 4 }] });
  const lost = await world.changeForwards('vm', { update: [{ name: 'bad', enabled: false }] });
  await world.driver.settle(vmId, { applied: true, revision: 2n });
  await world.ended(running);
  await world.driver.change(vmId, 3n);
  await world.driver.settle(vmId, { applied: false, revision: 3n });
  assert.deepEqual((await world.driver.change(vmId, 4n)).operationIds, [bad.id]);
  await world.driver.settle(vmId, { applied: false, revision: 4n });
  assert.equal((await world.ended(bad)).state, FAILED);
  await world.driver.change(vmId, 5n);
  await world.driver.settle(vmId, { applied: true, revision: 5n });
  assert.equal((await world.ended(good)).state, SUCCEEDED);
  assert.equal((await world.ended(lost)).error?.code, 'PORT_NOT_FOUND');
  assert.deepEqual(await held(world), [
    'rule [10000,10003) ',
    'rule [10003,10004) good',
    'tcp [32000,32001) ssh',
    'tcp [32001,32005) good',
  ]);
  await assertBooksBalance(world);
});

test('within the quarantine a deleted forward’s name gets its ports and rule numbers back', async (t) => {
  const world = await makeWorld(t, { config: { pools } });
  const { vmId } = await world.provisioned({ vmName: 'vm', noForwards: true });
  const spec = { name: 'x', internalPort: 8_000, internalPortEnd: 8_001 };
  await world.applied(await world.changeForwards('vm', { create: [spec] }), 2n);
  const first = await rulesOf(world, vmId, 2n);
  await world.applied(await world.changeForwards('vm', { delete: ['x'] }), 3n);
  assert.deepEqual((await world.vm('vm')).absentForwards.length, 3);
  await world.provisioned({ vmName: 'other' });
  await world.applied(await world.changeForwards('vm', { create: [spec] }), 4n);
  assert.deepEqual(await rulesOf(world, vmId, 4n), first);
});

test('within the quarantine a name gets a run of ports back that had grown while it was held', async (t) => {
  const world = await makeWorld(t, { config: { pools } });
  const range = { name: 'range', internalPort: 32_010, internalPortEnd: 32_012, externalPort: 32_010 };
  await world.provisioned({ vmName: 'vm', forwards: [range] });
  const grown = { ...range, internalPortEnd: 32_014 };
  await world.applied(await world.changeForwards('vm', { update: [{ name: 'range', internalPortEnd: 32_014 }] }), 2n);
  await world.applied(await world.decommission('vm'), 3n);
  await assert.rejects(world.provision({ vmName: 'other', forwards: [grown] }), { code: 'EXTERNAL_PORT_TAKEN' });
  const { vmId } = await world.provisioned({ vmName: 'vm', forwards: [grown] });
  assert.equal((await world.driver.change(vmId)).desired?.rules[0]?.destinationPort, '32010-32014');
  await world.applied(await world.decommission('vm'), 2n);
  assert.deepEqual(await held(world), []);
  await assertBooksBalance(world);
});
