import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { AdoptableService, CommitKind, ConflictKind, Verdict } from '@berth/contracts';
import { request } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { changeFor } from '../support/changes.ts';
import { configAt, driverWorld, isApplied, type World } from '../support/driver-world.ts';
import { historyOf } from '../support/history-world.ts';

const lan = 'set service dhcp-server shared-network-name LAN subnet 10.10.0.0/16 static-mapping';
const rule = 'set nat destination rule';
const anybody = { id: 'p', name: 'ann', permissions: ['routers:read'], group: '' };

/** A mapping and rules as people write them: no address, no description, no translation port, a log, an upper-case MAC. */
const byHand = [
  `${lan} web mac 52:54:00:AA:00:01`,
  `${lan} web ip-address 10.10.0.20`,
  `${lan} web description 'the web server'`,
  `${rule} 20 inbound-interface name eth0`,
  `${rule} 20 protocol tcp`,
  `${rule} 20 destination port 8080`,
  `${rule} 20 translation address 10.10.0.20`,
  `${rule} 20 log`,
  `${rule} 21 protocol udp`,
  `${rule} 21 destination port 5000-5010`,
  `${rule} 21 source address 203.0.113.0/24`,
  `${rule} 21 translation address 10.10.0.20`,
  `${rule} 21 translation port 5000-5010`,
  `${rule} 21 disable`,
];

const mapping = {
  network: 'LAN',
  subnet: '10.10.0.0/16',
  name: 'web',
  macAddress: '52:54:00:AA:00:01',
  ipAddress: '10.10.0.20',
  extra: [{ path: ['description'], values: ['the web server'] }],
};
const rules = [
  {
    ...{ number: 20, inboundInterface: 'eth0', protocol: 'tcp', destinationPort: '8080' },
    ...{ translationAddress: '10.10.0.20', extra: [{ path: ['log'], values: [] }] },
  },
  {
    ...{ number: 21, protocol: 'udp', destinationPort: '5000-5010', sourceAddress: '203.0.113.0/24' },
    ...{ translationAddress: '10.10.0.20', translationPort: '5000-5010', disabled: true },
  },
];

async function handMade(t: TestContext): Promise<World> {
  const world = await driverWorld(t);
  await world.router.person({ commands: byHand });
  return world;
}

const ownedPaths = (world: World) => world.query('SELECT path FROM owned_paths');
const adoptable = (world: World, principal = anybody) =>
  request(world.bus, AdoptableService.method.listAdoptable, { principal, router: 'default' }, { timeoutMs: 20_000 });

test('what people made is told in full, and what is adopted as it stands becomes ours without a request to the router', async (t) => {
  const world = await handMade(t);
  await world.start();
  await world.start(); // whichever of the two holds the router
  const told = await eventually(async () => {
    const page = await adoptable(world);
    return page.mappings.length === 2 && page.rules.length === 3 ? page : undefined;
  });
  const web = told.mappings.find((one) => one.mapping?.name === 'web');
  assert.equal(web?.mapping?.macAddress, '52:54:00:AA:00:01');
  assert.deepEqual(
    web.mapping.extra.map(({ path, values }) => [path, values]),
    [[['description'], ['the web server']]],
  );
  assert.deepEqual(
    told.rules.map((one) => one.rule?.number),
    [20, 21, 5],
  );

  const before = JSON.stringify(world.router.config());
  const { commits, saves } = world.router.counters();
  await world.send(changeFor(1, { desired: { mapping, rules }, adopts: true }));
  const [settled] = await world.verdicts('vm-1');
  assert.ok(settled && isApplied(settled), settled?.message);
  assert.equal(settled.batchId, '');
  assert.deepEqual([world.router.counters().commits, world.router.counters().saves], [commits, saves]);
  assert.equal(JSON.stringify(world.router.config()), before);
  assert.equal((await ownedPaths(world)).length, 3);
  const [adoption] = await historyOf(world.bus).ofKinds(CommitKind.ADOPTION);
  assert.deepEqual([adoption?.changedLines, adoption?.operations, adoption?.principals], [3, 0, ['ann']]);
  const { lines } = await historyOf(world.bus).explain({ ruleNumber: 20 });
  const [line] = lines;
  assert.deepEqual([line?.put?.kind, line?.changed?.kind], [CommitKind.BASELINE, CommitKind.ADOPTION]);
  assert.equal(line?.changed?.causes[0]?.principalName, 'ann');
  assert.deepEqual(
    (await adoptable(world)).rules.map((one) => one.rule?.number),
    [5],
  );

  // It is a resource like any other: a change of one rule changes that rule, a removal removes its lines and nothing else.
  const changed = rules.map((one) => (one.number === 20 ? { ...one, disabled: true } : one));
  await world.send(changeFor(1, { number: 2n, desired: { mapping, rules: changed } }));
  await eventually(() => world.settled.length === 2);
  assert.ok(world.settled[1] && isApplied(world.settled[1]), world.settled[1]?.message);
  const expected = JSON.parse(before);
  expected.nat.destination.rule['20'].disable = {};
  assert.deepEqual(world.router.config(), expected);

  await world.send(changeFor(1, { number: 3n, desired: undefined }));
  await eventually(() => world.settled.length === 3);
  assert.ok(world.settled[2] && isApplied(world.settled[2]), world.settled[2]?.message);
  assert.deepEqual(Object.keys(Object(configAt(world.router, ['nat', 'destination', 'rule']))), ['5']);
});

test('what stands otherwise than it is to be adopted is a conflict that names the difference, and nothing of it becomes ours', async (t) => {
  const world = await handMade(t);
  await world.start();
  await eventually(async () => (await adoptable(world)).rules.length === 3);
  // Edited behind our back: the change must be judged by what stands now.
  await world.router.person({ commands: [`${rule} 20 destination port 8081`] });
  const before = JSON.stringify(world.router.config());
  await world.send(changeFor(1, { desired: { mapping, rules }, adopts: true }));
  const [settled] = await world.verdicts('vm-1');
  assert.equal(settled?.verdict, Verdict.REJECTED);
  assert.equal(settled.code, 'ROUTER_CONFLICT');
  assert.equal(settled.stood, false);
  assert.match(settled.message, /set nat destination rule 20 destination port 8080/);
  assert.deepEqual([settled.conflict?.kind, settled.conflict?.firstNumber], [ConflictKind.RULE_NUMBER, 20]);
  assert.equal((await ownedPaths(world)).length, 0);
  assert.equal(JSON.stringify(world.router.config()), before);
});

test('nothing is adopted that does not stand, nor is it made', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  const before = JSON.stringify(world.router.config());
  await world.send(changeFor(1, { desired: { mapping, rules }, adopts: true }));
  const [settled] = await world.verdicts('vm-1');
  assert.equal(settled?.code, 'ROUTER_CONFLICT');
  assert.match(settled.message, /Nothing that could be adopted stands at/);
  assert.equal(JSON.stringify(world.router.config()), before);
});

test('an adoption that waits while no driver runs is settled once by those that come, and stays ours over restarts', async (t) => {
  const world = await handMade(t);
  const first = await world.start();
  await eventually(async () => (await adoptable(world)).rules.length === 3);
  await first.stop();
  const { commits } = world.router.counters();
  await world.send(changeFor(1, { desired: { mapping, rules }, adopts: true }));
  await Promise.all([world.start(), world.start()]);
  const [settled] = await world.verdicts('vm-1');
  assert.ok(settled && isApplied(settled), settled?.message);
  await world.send(changeFor(1, { desired: { mapping, rules }, adopts: true })); // sent again: answered from the verdict
  await eventually(() => world.settled.length >= 2);
  assert.ok(world.settled.every(isApplied));
  assert.equal((await world.query('SELECT FROM verdicts')).length, 1);
  assert.equal(world.router.counters().commits, commits);
});

test('what others made on a router is not told to a group', async (t) => {
  const world = await handMade(t);
  await world.start();
  await assert.rejects(adoptable(world, { ...anybody, group: 'team' }), { code: 'PERMISSION_DENIED' });
  await assert.rejects(adoptable(world, { ...anybody, permissions: [] }), { code: 'PERMISSION_DENIED' });
});
