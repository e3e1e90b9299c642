import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Allocation, type ExplainValueRequest, HolderKind, HoldingKind, PortProtocol } from '@berth/contracts';
import { isKind } from '@berth/errors';
import { eventually } from '@berth/testing';
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
import { makeWorld, type World, type WorldOptions } from '../support/world.ts';

const aWorld = (t: Parameters<typeof makeWorld>[0], options: WorldOptions = {}): Promise<World> =>
  makeWorld(t, { ...options, config: { pools: smallPools, quarantineMs: 60_000, ...options.config } });

const refusedFields = async (asked: Promise<unknown>): Promise<string[]> => {
  const error = await asked.then(
    () => assert.fail('it was not refused'),
    (reason) => reason,
  );
  assert.ok(isKind(error, 'invalid'), String(error));
  return (error.details.fields ?? []).map(({ field }) => field);
};

const { TCP, UDP } = PortProtocol;

test('values are reserved exactly, by number, or the lowest run in all protocols, and given back at once', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  await pools.createPool(portPool('x', 40_000, 40_019));
  const exact = await pools.reserve({ pool: 'port-pools/x', first: '40003', note: 'for a test', protocols: [TCP] });
  assert.deepEqual([exact.first, exact.last, exact.protocols, exact.note], ['40003', '40003', [TCP], 'for a test']);
  assert.deepEqual([exact.createdBy, exact.expiresAt], ['admin', undefined]);
  const run = await pools.reserve({ pool: 'port-pools/x', count: 4 });
  assert.deepEqual([run.first, run.last, run.protocols], ['40004', '40007', [TCP, UDP]]);
  const udp = await pools.reserve({ pool: 'port-pools/x', count: 4, protocols: [UDP] });
  assert.deepEqual([udp.first, udp.last], ['40000', '40003']);
  const span = await pools.reserve({ pool: 'port-pools/x', first: '40010', last: '40012' });
  assert.deepEqual([span.first, span.last], ['40010', '40012']);
  const address = await pools.reserve({ pool: 'ip-pools/default' });
  assert.deepEqual([address.first, address.protocols], ['10.0.1.0', []]);
  const use = (await pools.getPool({ name: 'port-pools/x' })).use;
  assert.deepEqual([use?.reserved, use?.free], [19n, 21n]);
  await pools.release({ reservationId: run.id });
  await assert.rejects(pools.release({ reservationId: run.id }), { kind: 'not_found', code: 'RESERVATION_NOT_FOUND' });
  await assert.rejects(pools.release({ reservationId: 'x' }), { kind: 'not_found' });
  assert.equal((await pools.reserve({ pool: 'port-pools/x', count: 4 })).first, '40004');
  await assertBooksBalance(world);
});

test('what is taken, used up or not of the pool cannot be reserved, and it is said why', async (t) => {
  const world = await aWorld(t, {
    foreign: [
      { kind: HoldingKind.PORT, firstNumber: 40_002, lastNumber: 40_002, protocol: 'tcp', path: 'service ssh port' },
    ],
  });
  const pools = poolSide(world);
  await pools.createPool(portPool('x', 40_000, 40_009));
  const vm = await world.provisioned({ vmName: 'vm', portPool: 'port-pools/x', forwards: [{ name: 'ssh' }] });
  await pools.reserve({ pool: 'port-pools/x', first: '40001' });
  const reserve = (first: string, more = {}) => pools.reserve({ pool: 'port-pools/x', first, ...more });
  const taken = { kind: 'conflict', code: 'VALUE_TAKEN' };
  await assert.rejects(reserve('40000'), { ...taken, message: '40000 is taken: a VM has it.' });
  await assert.rejects(reserve('40001'), { ...taken, message: '40001 is taken: it is reserved.' });
  await assert.rejects(reserve('40002'), { ...taken, message: /others hold it/ });
  await assert.rejects(reserve('40000', { count: 5 }), { ...taken, message: /^40000 is taken/ });
  await reserve('40002', { protocols: [UDP] });
  await world.decommission('vm');
  await world.driver.settle(vm.vmId, { applied: true, revision: 2n });
  await eventually(async () => (await pools.getPool({ name: 'port-pools/x' })).use?.quarantined === 1n);
  await assert.rejects(reserve('40000'), { ...taken, message: /rests after its release/ });
  assert.deepEqual(await refusedFields(reserve('40010')), ['first']);
  assert.deepEqual(await refusedFields(reserve('40009', { count: 2 })), ['first']);
  await assert.rejects(pools.reserve({ pool: 'port-pools/x', count: 8 }), {
    kind: 'exhausted',
    code: 'PORT_POOL_EXHAUSTED',
    details: { resource: { type: 'pool', name: 'port-pools/x' } },
  });
  await assertBooksBalance(world);
});

test('a reservation’s wrong fields are named', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  await pools.createPool({
    pool: {
      name: 'port-pools/x',
      values: { case: 'port', value: { ranges: [{ first: 40_000, last: 40_009 }], protocols: [TCP] } },
    },
  });
  const fields = (message: Parameters<typeof pools.reserve>[0]) => refusedFields(pools.reserve(message));
  assert.deepEqual(await fields({ pool: 'x' }), ['pool']);
  assert.deepEqual(await fields({ pool: 'port-pools/x', first: 'a', last: '-1' }), ['first', 'last']);
  assert.deepEqual(await fields({ pool: 'port-pools/x', last: '40001' }), ['last']);
  assert.deepEqual(await fields({ pool: 'port-pools/x', first: '40002', last: '40001' }), ['last']);
  assert.deepEqual(await fields({ pool: 'port-pools/x', first: '40001', last: '40002', count: 3 }), ['count']);
  assert.deepEqual(await fields({ pool: 'port-pools/x', count: 70_000 }), ['count']);
  assert.deepEqual(await fields({ pool: 'port-pools/x', protocols: [UDP] }), ['protocols[0]']);
  assert.deepEqual(await fields({ pool: 'ip-pools/default', first: '10.0.1.300', protocols: [TCP] }), [
    'first',
    'protocols[0]',
  ]);
  assert.deepEqual(await fields({ pool: 'port-pools/x', note: 'a\u0000' }), ['note']);
  for (const seconds of [0n, -1n, 10n ** 11n]) {
    assert.deepEqual(await fields({ pool: 'port-pools/x', lifetime: { seconds } }), ['lifetime']);
  }
});

test('a reservation with a lifetime ends by itself, and its values are free at once', async (t) => {
  const world = await aWorld(t, { replicas: 2 });
  const pools = poolSide(world);
  await pools.createPool(portPool('x', 40_000, 40_003));
  const short = await Promise.all(
    [0, 1].map(() => pools.reserve({ pool: 'port-pools/x', lifetime: { seconds: 3_600n } })),
  );
  const forever = await pools.reserve({ pool: 'port-pools/x' });
  await world.query("UPDATE reservations SET expires_at = now() - interval '1 second' WHERE expires_at IS NOT NULL");
  await eventually(async () => (await world.query('SELECT FROM reservations')).length === 1);
  const use = (await pools.getPool({ name: 'port-pools/x' })).use;
  assert.deepEqual([use?.reserved, use?.free], [2n, 6n]);
  await assert.rejects(pools.release({ reservationId: short[0]?.id ?? '' }), { code: 'RESERVATION_NOT_FOUND' });
  await pools.release({ reservationId: forever.id });
  const told = await world.query("SELECT FROM outbox WHERE subject LIKE 'events.pool.changed.%'");
  assert.equal(told.length, settingsChanges + 1 + 3 + 3);
  await assertBooksBalance(world);
});

test('those who reserve and those who provision at once share out the values, and none is had twice', async (t) => {
  const world = await aWorld(t, { replicas: 2 });
  const pools = poolSide(world);
  await pools.createPool(portPool('x', 40_000, 40_029));
  const forwards = [{ name: 'one', internalPort: 1 }];
  const results = await Promise.allSettled([
    ...Array.from({ length: 24 }, (_, index) =>
      world.provision({ vmName: `vm-${index}`, portPool: 'port-pools/x', forwards }),
    ),
    ...Array.from({ length: 24 }, () => pools.reserve({ pool: 'port-pools/x', protocols: [TCP] })),
  ]);
  const lost = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []));
  assert.deepEqual(
    lost,
    Array.from({ length: 18 }, () => 'PORT_POOL_EXHAUSTED'),
  );
  const use = (await pools.getPool({ name: 'port-pools/x' })).use;
  assert.deepEqual([(use?.held ?? 0n) + (use?.reserved ?? 0n), use?.free], [30n, 30n]);
  await assertBooksBalance(world);
});

test('a repeated reservation with one key is one reservation', async (t) => {
  const world = await aWorld(t, { replicas: 2 });
  const pools = poolSide(world);
  const made = await Promise.all(
    Array.from({ length: 5 }, () => pools.reserve({ pool: 'ip-pools/default' }, keyed('k'))),
  );
  assert.equal(new Set(made.map(({ id }) => id)).size, 1);
  assert.deepEqual(await world.query('SELECT count(*)::int FROM reservations'), [{ count: 1 }]);
});

const brief = ({ first, last, protocol, holder, vmName, forward, note }: Allocation) =>
  [first, last, PortProtocol[protocol], HolderKind[holder], vmName, forward, note]
    .filter((part) => part !== '')
    .join(' ');

test('who holds what of a pool is listed in the order of the values, page by page', async (t) => {
  const world = await aWorld(t, {
    foreign: [
      {
        kind: HoldingKind.PORT,
        firstNumber: 39_990,
        lastNumber: 40_000,
        protocol: 'tcp',
        path: 'nat destination rule 7',
      },
    ],
  });
  const pools = poolSide(world);
  await pools.createPool(portPool('x', 40_000, 40_019));
  await world.provisioned({ vmName: 'vm', portPool: 'port-pools/x', ownerGroup: 'blue' });
  await pools.reserve({ pool: 'port-pools/x', first: '40006', note: 'mine' });
  await pools.reserve({ pool: 'port-pools/x', first: '40008', last: '40009', protocols: [UDP] });
  await pools.createPool(portPool('y', 40_030, 40_039));
  await pools.reserve({ pool: 'port-pools/y' });
  const pagesOf = async (pageSize: number, more = {}, context = {}) => {
    const seen: string[] = [];
    for (let pageToken = '', isMore = true; isMore; isMore = pageToken !== '') {
      const page = await pools.listAllocations({ pool: 'port-pools/x', pageSize, pageToken, ...more }, context);
      assert.ok(page.allocations.length <= (pageSize || 500));
      seen.push(...page.allocations.map(brief));
      pageToken = page.nextPageToken;
    }
    return seen;
  };
  const all = [
    '40000 40000 TCP FOREIGN nat destination rule 7',
    '40001 40001 TCP VM vm ssh',
    '40002 40002 TCP VM vm http',
    '40003 40003 TCP VM vm https',
    '40006 40006 TCP RESERVATION mine',
    '40006 40006 UDP RESERVATION mine',
    '40008 40009 UDP RESERVATION',
  ];
  for (const size of [1, 2, 3, 0]) assert.deepEqual(await pagesOf(size), all, `pages of ${size}`);
  assert.deepEqual(await pagesOf(1, { holders: [HolderKind.FOREIGN, HolderKind.RESERVATION] }), [
    all[0],
    ...all.slice(4),
  ]);
  const others = await pagesOf(0, { holders: [HolderKind.VM] }, ofGroup('red'));
  assert.deepEqual(others, ['40001 40001 TCP VM', '40002 40002 TCP VM', '40003 40003 TCP VM']);
  assert.deepEqual(await pagesOf(0, { holders: [HolderKind.VM] }, ofGroup('blue')), all.slice(1, 4));
  const { nextPageToken: pageToken } = await pools.listAllocations({ pool: 'port-pools/x', pageSize: 1 });
  await assert.rejects(pools.listAllocations({ pool: 'port-pools/y', pageToken }), { code: 'PAGE_TOKEN_INVALID' });
  const [query] = JSON.parse(Buffer.from(pageToken, 'base64url').toString());
  for (const place of [
    ['x', 'tcp'],
    ['-1', 'tcp'],
    ['1e3', 'tcp'],
    ['40000', 'smoke'],
  ]) {
    const changed = Buffer.from(JSON.stringify([query, ...place])).toString('base64url');
    const asked = pools.listAllocations({ pool: 'port-pools/x', pageToken: changed });
    await assert.rejects(asked, { kind: 'invalid', code: 'PAGE_TOKEN_INVALID' }, String(place));
  }
  assert.deepEqual(await refusedFields(pools.listAllocations({ pool: 'port-pools/x', holders: [9 as HolderKind] })), [
    'holders',
  ]);
});

test('a value is explained: who holds it, whether it can be handed out, and why not', async (t) => {
  const dynamic = 'service dhcp-server shared-network-name LAN subnet 10.0.0.0/16 range 0';
  const world = await aWorld(t, {
    foreign: [
      { kind: HoldingKind.DYNAMIC_RANGE, value: '10.0.3.0', lastValue: '10.0.3.255', path: dynamic },
      { kind: HoldingKind.ADDRESS, value: '10.0.1.7', path: 'nat destination rule 5 translation address' },
    ],
  });
  const pools = poolSide(world);
  await pools.createPool({
    pool: {
      name: 'ip-pools/edge',
      groups: ['blue'],
      values: { case: 'ip', value: { cidrs: ['10.0.2.0/24'], exclusions: [{ first: '10.0.2.5' }] } },
    },
  });
  await world.provisioned({ vmName: 'vm', pool: 'ip-pools/edge', ownerGroup: 'blue' });
  await pools.reserve({ pool: 'ip-pools/edge', first: '10.0.2.9', note: 'printer' });
  const explain = async (value: ExplainValueRequest['value'], context = {}) => {
    const { pool, free, available, reason } = await pools.explainValue({ value }, context);
    return [pool, free, available, reason];
  };
  const address = (value: string, context = {}) => explain({ case: 'address', value }, context);
  const edge = 'ip-pools/edge';
  assert.deepEqual(await address('10.0.2.0'), [edge, false, false, '10.0.2.0 is held by the VM vm.']);
  assert.deepEqual(await address('10.0.2.9'), [edge, false, false, '10.0.2.9 is reserved (printer).']);
  assert.deepEqual(await address('10.0.2.10'), [
    edge,
    true,
    true,
    '10.0.2.10 is free, and ip-pools/edge hands it out.',
  ]);
  assert.deepEqual(await address('10.0.2.5'), [
    '',
    true,
    false,
    '10.0.2.5 is excluded from ip-pools/edge: never handed out.',
  ]);
  const excluded = { addressRange: { first: '10.0.2.5', last: '10.0.2.5' } };
  await assert.rejects(world.provision({ vmName: 'never', ...excluded }), { code: 'ADDRESS_POOL_EXHAUSTED' });
  assert.equal((await address('10.0.4.1'))[2], true); // of no pool, and not excluded
  assert.deepEqual(await address('10.0.1.7'), [
    ...['ip-pools/default', false, false],
    '10.0.1.7 is held by others on the router (nat destination rule 5 translation address).',
  ]);
  assert.deepEqual(await address('10.0.3.9'), [
    '',
    false,
    false,
    `10.0.3.9 is given out by the router’s own DHCP (${dynamic}).`,
  ]);
  assert.deepEqual(await address('10.0.0.1'), [
    '',
    true,
    false,
    '10.0.0.1 is the gateway of 10.0.0.0/16: never handed out.',
  ]);
  assert.deepEqual(await address('10.0.0.0'), [
    '',
    true,
    false,
    '10.0.0.0 is the network address of 10.0.0.0/16: never handed out.',
  ]);
  assert.deepEqual(await address('192.0.2.1'), [
    ...['', true, false],
    '192.0.2.1 lies outside of every DHCP subnet of the router (10.0.0.0/16): never handed out.',
  ]);
  assert.deepEqual(await address('10.0.2.0', ofGroup('red')), ['', false, false, '10.0.2.0 is held by a VM.']);
  assert.deepEqual(await address('10.0.2.10', ofGroup('red')), [
    '',
    true,
    true,
    '10.0.2.10 is free, and a pool of others hands it out.',
  ]);
  const reserved = { case: 'address', value: '10.0.2.9' } as const;
  const toOthers = await pools.explainValue({ value: reserved }, ofGroup('red'));
  assert.deepEqual(
    [toOthers.reason, toOthers.pool, toOthers.holders.map(brief), toOthers.holders[0]?.reservationId],
    ['10.0.2.9 is reserved.', '', ['10.0.2.9 10.0.2.9 UNSPECIFIED RESERVATION'], ''],
  );
  assert.equal((await address('10.0.2.9', ofGroup('blue')))[3], '10.0.2.9 is reserved (printer).');
  await pools.drainPool({ name: edge });
  assert.deepEqual(await address('10.0.2.10'), [
    edge,
    true,
    false,
    '10.0.2.10 is free, and not handed out: ip-pools/edge is draining.',
  ]);
  const port = await pools.explainValue({ value: { case: 'port', value: 32_000 } });
  assert.deepEqual(
    [port.pool, port.free, port.holders.map(brief)],
    ['port-pools/default', false, ['32000 32000 TCP VM vm ssh']],
  );
  assert.deepEqual(await explain({ case: 'port', value: 80 }), [
    ...['', true, false],
    'tcp port 80 is below 1024, where services of the router itself are: never handed out; udp port 80 is below 1024, where services of the router itself are: never handed out.',
  ]);
  assert.deepEqual(await explain({ case: 'ruleNumber', value: 5 }), [
    '',
    true,
    false,
    'rule 5 is of no pool: not handed out.',
  ]);
  assert.deepEqual(await refusedFields(pools.explainValue({})), ['value']);
  assert.deepEqual(await refusedFields(address('10.0.0')), ['address']);
  assert.deepEqual(await refusedFields(pools.explainValue({ router: 'x', value: { case: 'port', value: 1 } })), [
    'router',
  ]);
  assert.deepEqual(
    await refusedFields(pools.explainValue({ value: { case: 'port', value: 70_000 }, externalIp: 'x' })),
    ['external_ip', 'port'],
  );
});

test('a pool warns of what it never hands out, in few rows', async (t) => {
  const dynamic = 'service dhcp-server shared-network-name LAN subnet 10.0.0.0/16 range 0';
  const mapping = (index: number) => ({
    kind: HoldingKind.ADDRESS,
    value: `10.0.2.${index}`,
    path: `service dhcp-server shared-network-name LAN subnet 10.0.0.0/16 static-mapping m${index}`,
  });
  const world = await aWorld(t, {
    foreign: [
      { kind: HoldingKind.DYNAMIC_RANGE, value: '10.0.2.100', lastValue: '10.0.2.199', path: dynamic },
      { kind: HoldingKind.ADDRESS, value: '10.0.2.254', path: 'interfaces ethernet eth1 address 10.0.2.254/24' },
      ...[10, 11, 12].map(mapping),
      { kind: HoldingKind.PORT, firstNumber: 40_005, lastNumber: 40_005, protocol: 'tcp', path: 'service https port' },
    ],
  });
  const pools = poolSide(world);
  const ip = await pools.createPool(ipPool('x', '10.0.2.0', '10.0.2.255'));
  assert.deepEqual(
    ip.warnings.map(({ code, message, path }) => [code, message, path]),
    [
      [
        'POOL_OVERLAPS_DYNAMIC_RANGE',
        "A range that the router's DHCP gives out by itself, beginning at 10.0.2.100: such addresses are not handed out.",
        dynamic,
      ],
      [
        'POOL_HOLDS_FOREIGN_VALUES',
        '3 values that others hold on the router, 10.0.2.10: not handed out.',
        mapping(10).path,
      ],
      [
        'POOL_HOLDS_ROUTER_ADDRESS',
        'An address of the router itself, 10.0.2.254: not handed out.',
        'interfaces ethernet eth1 address 10.0.2.254/24',
      ],
    ],
  );
  assert.deepEqual([ip.use?.size, ip.use?.foreign, ip.use?.free], [256n, 104n, 152n]);
  const port = await pools.createPool(portPool('x', 40_000, 40_009));
  assert.deepEqual(
    port.warnings.map(({ code }) => code),
    ['POOL_HOLDS_ROUTER_SERVICE'],
  );
});
