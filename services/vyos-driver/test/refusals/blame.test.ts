import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  ConflictKind,
  RouterState,
  type RouterStateChanged,
  RouterStateChangedSchema,
  subjects,
  Verdict,
} from '@berth/contracts';
import { listen } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { changeFor, fragmentFor } from '../support/changes.ts';
import {
  assertForeignUntouched,
  driverWorld,
  isApplied,
  mappingOf,
  ruleOf,
  vmIds,
  type World,
} from '../support/driver-world.ts';

const fifty = (poison: number, fragment = fragmentFor(poison)) =>
  vmIds(1, 50).map((_, at) => changeFor(at + 1, at + 1 === poison ? { desired: fragment } : {}));

test('one of fifty whose refusal names it is rejected alone, with the words of the router', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  world.router.addFault({
    kind: 'refuse_commit',
    match: 'nat destination rule 10170',
    text: 'Destination NAT configuration error in rule 10170: no such thing!',
  });
  await world.send(...fifty(17));
  const verdicts = await world.verdicts(...vmIds(1, 50));
  assert.equal(verdicts.filter(isApplied).length, 49);
  const rejected = verdicts.find((one) => one.resourceId === 'vm-17');
  assert.equal(rejected?.code, 'ROUTER_REFUSED');
  assert.match(rejected?.message ?? '', /no such thing/);
  assert.equal(ruleOf(world.router, 17), undefined);
  assert.equal(mappingOf(world.router, 17), undefined);
  assert.ok(world.router.counters().commits <= 3, `${world.router.counters().commits} commits`);
  await assertForeignUntouched(world.router);
});

test('one of fifty whose refusal names nobody is found by halves, and nothing of it stays', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  world.router.addFault({ kind: 'refuse_commit', match: 'nat destination rule 10330', text: 'Something is wrong' });
  await world.send(...fifty(33));
  const verdicts = await world.verdicts(...vmIds(1, 50));
  assert.deepEqual(
    verdicts.filter((one) => !isApplied(one)).map((one) => one.resourceId),
    ['vm-33'],
  );
  assert.equal(ruleOf(world.router, 33), undefined);
  assert.equal(mappingOf(world.router, 33), undefined);
  for (const n of [1, 25, 32, 34, 50]) assert.notEqual(ruleOf(world.router, n), undefined);
  assert.ok(world.router.counters().commits <= 9, `${world.router.counters().commits} commits`);
  await eventually(() => JSON.stringify(world.router.config('saved')) === JSON.stringify(world.router.config()));
  const left = () => world.query(`SELECT * FROM owned_paths WHERE resource_id = 'vm-33'`);
  await eventually(async () => (await left()).length === 0);
  await assertForeignUntouched(world.router);
});

test('a change that only landed in part is taken back, and its values are said to have stood', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  // DHCP refuses an address outside of the subnet, after the rule was committed.
  const outside = fragmentFor(1);
  await world.send(changeFor(1, { desired: { ...outside, mapping: { ...outside.mapping, ipAddress: '10.99.0.1' } } }));
  const [settled] = await world.verdicts('vm-1');
  assert.equal(settled?.verdict, Verdict.REJECTED);
  assert.equal(settled?.stood, true);
  assert.equal(ruleOf(world.router, 1), undefined);
  assert.equal(mappingOf(world.router, 1), undefined);
  await assertForeignUntouched(world.router);
});

test('a value that the router does not take is rejected, and nothing of it stood', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  world.router.addFault({ kind: 'refuse_set', match: '20010', text: 'Error: 20010 is not a valid port', times: 5 });
  await world.send(changeFor(1));
  const [settled] = await world.verdicts('vm-1');
  assert.equal(settled?.verdict, Verdict.REJECTED);
  assert.equal(settled?.stood, false);
  await assertForeignUntouched(world.router);
});

test('a rejected change of a VM leaves what it had before', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  const before = JSON.stringify(world.router.config());
  const moved = fragmentFor(1, { rules: 3 });
  await world.send(
    changeFor(1, { number: 2n, desired: { ...moved, mapping: { ...moved.mapping, ipAddress: '10.99.0.1' } } }),
  );
  await eventually(() => world.settled.length === 2);
  assert.equal(world.settled[1]?.verdict, Verdict.REJECTED);
  assert.equal(JSON.stringify(world.router.config()), before);
});

test('somebody else’s broken rule blocks the router: nobody is blamed, and all land when it is mended', async (t) => {
  const world = await driverWorld(t);
  const told = publicStates(t, world);
  await world.start();
  const words = 'Destination NAT configuration error in rule 7: translation requires address!';
  world.router.addFault({ kind: 'refuse_commit', match: 'nat', text: words });
  await world.send(changeFor(1), changeFor(2));
  await eventually(() => world.states().includes(RouterState.BLOCKED));
  assert.deepEqual(world.settled, []);
  await eventually(() => told.some(({ state, reason }) => state === RouterState.BLOCKED && /rule 7/.test(reason)));
  assert.match(world.statuses.at(-1)?.reason ?? '', /rule 7/);
  world.router.clearFaults();
  const verdicts = await world.verdicts('vm-1', 'vm-2');
  assert.ok(verdicts.every(isApplied));
  await eventually(() => world.states().at(-1) === RouterState.OK);
  await eventually(() => {
    const { state, previousState } = told.at(-1) ?? {};
    return state === RouterState.OK && previousState === RouterState.BLOCKED;
  });
});

/** The public events of the router's states, as anybody may read them. */
function publicStates(t: TestContext, { bus }: World): RouterStateChanged[] {
  const told: RouterStateChanged[] = [];
  const subject = subjects.routerStateChanged('default');
  t.after(listen(bus, subject, RouterStateChangedSchema, (event) => void told.push(event)));
  return told;
}

test('a refused way back makes the router unknown until reconciliation has settled it', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  world.router.addFault({ kind: 'refuse_commit', match: 'service', text: 'no mapping today' });
  world.router.addFault({ kind: 'refuse_commit', match: 'nat', text: 'no way back', times: 1 });
  const told = publicStates(t, world);
  await world.send(changeFor(1));
  await eventually(() => world.states().includes(RouterState.UNKNOWN));
  await eventually(() => told.some(({ state, reason }) => state === RouterState.UNKNOWN && reason !== ''));
  const [settled] = await world.verdicts('vm-1');
  assert.equal(settled?.verdict, Verdict.REJECTED);
  assert.match(settled?.message ?? '', /no mapping today/);
  assert.equal(ruleOf(world.router, 1), undefined);
  await eventually(() => world.states().at(-1) === RouterState.OK);
});

test('a refused way back is not blamed on those who travel with it', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  const outside =
    'Configured static lease address for mapping "vm-1" is not within shared-network "LAN, 10.10.0.0/16"!';
  world.router.addFault({ kind: 'refuse_commit', match: 'vm-1', text: outside });
  const stays = 'Destination NAT configuration error in rule 10010: it cannot go!';
  world.router.addFault({ kind: 'refuse_commit', match: 'nat destination rule 10010', text: stays, times: 3 });
  world.router.setLatency({ commitMs: 300 });
  await world.send(changeFor(9));
  await eventually(() => world.router.log().some((one) => one.path === '/configure' && one.ended_ms === null));
  await world.send(changeFor(1), changeFor(2), changeFor(3));
  const [first, second, third] = await world.verdicts('vm-1', 'vm-2', 'vm-3');
  assert.ok(second && third && isApplied(second) && isApplied(third));
  assert.match(first?.message ?? '', /Configured static lease address/);
  assert.ok(world.states().includes(RouterState.UNKNOWN));
  assert.equal(ruleOf(world.router, 1), undefined);
});

test('what somebody else holds on the router is a conflict, and is not touched', async (t) => {
  const world = await driverWorld(t);
  await world.router.person({
    commands: [
      'set nat destination rule 10010 description theirs',
      'set nat destination rule 10010 inbound-interface name eth0',
      'set nat destination rule 10010 protocol tcp',
      'set nat destination rule 10010 destination port 9999',
      'set nat destination rule 10010 translation address 10.10.0.77',
    ],
  });
  await world.start();
  const printer = fragmentFor(2);
  await world.send(
    changeFor(1),
    changeFor(2, { desired: { ...printer, mapping: { ...printer.mapping, ipAddress: '10.10.0.9' } } }),
    changeFor(3),
  );
  const [ruled, printers, third] = await world.verdicts('vm-1', 'vm-2', 'vm-3');
  for (const refused of [ruled, printers]) {
    assert.deepEqual([refused?.verdict, refused?.code], [Verdict.REJECTED, 'ROUTER_CONFLICT']);
  }
  assert.deepEqual([ruled?.conflict?.kind, ruled?.conflict?.firstNumber], [ConflictKind.RULE_NUMBER, 10_010]);
  assert.deepEqual([printers?.conflict?.kind, printers?.conflict?.value], [ConflictKind.ADDRESS, '10.10.0.9']);
  assert.equal(Object(ruleOf(world.router, 1))['description'], 'theirs');
  assert.ok(third && isApplied(third));
});

test('a rule that a person makes later over a port of a VM does not keep the VM from being changed', async (t) => {
  const world = await driverWorld(t, { times: { inventoryMaxAgeMs: 0 } });
  await world.start();
  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  await world.router.person({
    commands: [
      'set nat destination rule 8 description theirs',
      'set nat destination rule 8 inbound-interface name eth0',
      'set nat destination rule 8 protocol tcp',
      'set nat destination rule 8 destination port 20010-20011',
      'set nat destination rule 8 translation address 10.10.0.77',
    ],
  });
  const { mapping, rules } = fragmentFor(1);
  const paused = { mapping, rules: rules.map((rule) => ({ ...rule, disabled: true })) };
  await world.send(changeFor(1, { number: 2n, desired: paused }));
  await eventually(() => world.settled.length === 2);
  assert.ok(world.settled[1] && isApplied(world.settled[1]));
  // What it asks for anew may still not be another's.
  await world.send(changeFor(1, { number: 3n, desired: fragmentFor(1, { rules: 2 }) }));
  await eventually(() => world.settled.length === 3);
  assert.equal(world.settled[2]?.code, 'ROUTER_CONFLICT');
});
