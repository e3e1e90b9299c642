import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DriftKind, type DriftPolicy, DriftService, DriftState } from '@berth/contracts';
import { request } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { changeFor, fragmentFor } from '../support/changes.ts';
import { ACCEPT, driftWorld, principal, REPAIR, REPORT } from '../support/drift-world.ts';
import { assertForeignUntouched, isApplied, mappingOf, ruleOf } from '../support/driver-world.ts';
import { lyingRouter } from '../support/lying-router.ts';

/** Nothing is compared unless it is asked for. */
const onDemand = { times: { driftEveryMs: 3_600_000, inventoryMaxAgeMs: 3_600_000 } };
const describe = (n: number, text: string) => `set nat destination rule ${10_000 + n * 10} description ${text}`;
const disabled = (rule: unknown) => Object(rule)['disable'] !== undefined;
const mapping = 'service dhcp-server shared-network-name LAN subnet 10.10.0.0/16 static-mapping';

test('what others changed, deleted and put back is reported path by path, with the way back', async (t) => {
  const world = await driftWorld(t, onDemand);
  await world.start();
  await world.send(changeFor(1), changeFor(2), changeFor(3));
  await world.verdicts('vm-1', 'vm-2', 'vm-3');
  assert.equal((await world.check()).report?.noChange, 6);
  await world.router.person({
    commands: [describe(1, 'mine'), `delete ${mapping} vm-2`, 'set nat destination rule 7 description theirs'].concat([
      'set nat destination rule 7 inbound-interface name eth0',
      'set nat destination rule 7 translation address 10.10.0.9',
    ]),
  });
  const { report, items } = await world.check();
  assert.ok(report);
  assert.deepEqual([report.added, report.deleted, report.updated, report.noChange], [0, 1, 1, 4]);
  assert.equal(report.underWay, false);
  const [rule, deleted] = items.toSorted((a, b) => (a.path[0] === 'nat' ? -1 : 1) - (b.path[0] === 'nat' ? -1 : 1));
  assert.deepEqual([rule?.resourceId, rule?.kind, rule?.state], ['vm-1', DriftKind.UPDATED, DriftState.OPEN]);
  assert.deepEqual(
    rule?.repair.map(({ path }) => path.join(' ')),
    ['nat destination rule 10010 description vm-1 0'],
  );
  assert.equal(JSON.parse(rule?.foundJson ?? '').description, 'mine');
  assert.deepEqual([deleted?.resourceId, deleted?.kind, deleted?.foundJson], ['vm-2', DriftKind.DELETED, '']);
  assert.equal(deleted?.repair.length, 2, 'MAC and address');
  assert.ok(rule?.changedAfter && rule.firstSeenAt && rule.changedAfter.seconds <= rule.firstSeenAt.seconds);
  assert.match(rule?.changedBy ?? '', /^unknown/);
  assert.deepEqual(
    report.foreignChanges?.changes.map(({ path, kind }) => [path.join(' '), kind]),
    [['nat destination rule 7', DriftKind.ADDED]],
  );
  assert.deepEqual(world.kinds(), ['detected']);
  assert.equal(Object(ruleOf(world.router, 1))['description'], 'mine', 'reported, not undone');
  await world.router.person({ commands: [describe(1, "'vm-1 0'")] });
  const again = await world.check();
  assert.deepEqual(again.items.map(({ state }) => state).toSorted(), [DriftState.OPEN, DriftState.GONE]);
  assert.equal(again.report?.openItems, 1);
  assert.deepEqual(world.kinds(), ['detected'], 'seen before is not told again, and something is open still');
});

test('a repair that is asked for undoes everything of ours and nothing of others, and is saved', async (t) => {
  const world = await driftWorld(t, onDemand);
  await world.start();
  await world.send(changeFor(1), changeFor(2));
  await world.verdicts('vm-1', 'vm-2');
  await world.router.person({ commands: [describe(1, 'mine'), `delete ${mapping} vm-2`], save: true });
  const { report, items } = await world.check(true);
  assert.deepEqual([report?.openItems, report?.repairing], [0, 0]);
  assert.ok(items.every(({ state }) => state === DriftState.REPAIRED));
  assert.equal(Object(ruleOf(world.router, 1))['description'], 'vm-1 0');
  await eventually(() => mappingOf(world.router, 2, 'saved') !== undefined);
  await eventually(() => world.kinds().includes('cleared'));
  assert.deepEqual(world.kinds(), ['detected', 'repaired', 'cleared']);
  assert.match(await world.metrics.metrics(), /drift_repairs_total\{router="default"\} 2/);
  const sent = await world.query<{ purpose: string }>("SELECT purpose FROM batch_changes WHERE purpose = 'repair'");
  assert.equal(sent.length, 2, 'through a batch like any other');
  assert.equal((await world.check()).report?.updated, 0);
  await assertForeignUntouched(world.router);
});

test('policies hold for the longest path: of one VM a rule is repaired while its mapping stays deleted, and is ours still', async (t) => {
  const world = await driftWorld(t, { times: { driftEveryMs: 100 } });
  await world.start();
  await world.setPolicies(['', REPORT], ['nat destination', REPAIR], ['nat destination rule 10020', REPORT]);
  await world.send(changeFor(1), changeFor(2));
  await world.verdicts('vm-1', 'vm-2');
  await world.router.person({ commands: [describe(1, 'mine'), describe(2, 'mine'), `delete ${mapping} vm-1`] });
  await eventually(() => Object(ruleOf(world.router, 1))['description'] === 'vm-1 0');
  const open = await world.openItems((items) => items.length === 2);
  assert.deepEqual(open.map(({ resourceId }) => resourceId).toSorted(), ['vm-1', 'vm-2']);
  assert.equal(Object(ruleOf(world.router, 2))['description'], 'mine');
  assert.equal(mappingOf(world.router, 1), undefined);
  const owned = await world.query<{ path: string }>('SELECT path FROM owned_paths WHERE released_at IS NULL');
  assert.equal(owned.length, 4, 'a path that others deleted, and that is left so, stays ours');
  await world.setPolicies(['', REPAIR]);
  await eventually(() => mappingOf(world.router, 1) !== undefined);
  await world.openItems((items) => items.length === 0);
  assert.equal(Object(ruleOf(world.router, 2))['description'], 'vm-2 0');
});

test('somebody who undoes each repair is left alone after three, with an alarm, until the policies are set anew', async (t) => {
  const world = await driftWorld(t, { times: { driftEveryMs: 50 } });
  await world.start();
  await world.setPolicies(['', REPAIR]);
  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  for (let times = 1; times <= 3; times++) {
    await world.router.person({ commands: [describe(1, `mine-${times}`)] });
    await eventually(() => world.kinds().filter((what) => what === 'repaired').length === times);
  }
  await world.router.person({ commands: [describe(1, 'mine-4')] });
  const [item] = await world.openItems((items) => items[0]?.contested === true);
  assert.equal(item?.repairing, false);
  await eventually(() => world.kinds().includes('contested'));
  const { number } = (await world.drift()).report ?? {};
  await eventually(async () => ((await world.drift()).report?.number ?? 0n) > (number ?? 0n) + 2n);
  assert.equal(Object(ruleOf(world.router, 1))['description'], 'mine-4');
  assert.equal(world.kinds().filter((what) => what === 'contested').length, 1);
  await world.setPolicies(['', REPAIR]);
  await eventually(() => Object(ruleOf(world.router, 1))['description'] === 'vm-1 0');
});

test('what is reported stays reported when the driver starts again, and what it shall repair is repaired', async (t) => {
  const world = await driftWorld(t, onDemand);
  const first = await world.start();
  await world.send(changeFor(1), changeFor(2));
  await world.verdicts('vm-1', 'vm-2');
  await world.router.person({ commands: [describe(1, 'mine'), describe(2, 'mine')] });
  await world.check();
  await first.stop();
  await world.start();
  await world.openItems((items) => items.length === 2);
  const { report } = await world.check();
  assert.equal(report?.updated, 2);
  assert.equal(Object(ruleOf(world.router, 1))['description'], 'mine');
  await world.setPolicies(['nat destination rule 10010', REPAIR]);
  await world.openItems((items) => items.length === 1);
  assert.equal(Object(ruleOf(world.router, 1))['description'], 'vm-1 0');
  assert.equal(Object(ruleOf(world.router, 2))['description'], 'mine');
});

test('a change of a VM brings all of its lines to what it asks for, beside the repairs of others', async (t) => {
  const world = await driftWorld(t, onDemand);
  await world.start();
  await world.send(changeFor(1), changeFor(2));
  await world.verdicts('vm-1', 'vm-2');
  await world.setPolicies(['nat destination rule 10020', REPAIR]);
  await world.check();
  await world.router.person({ commands: [describe(1, 'mine'), describe(2, 'mine')], holdLockMs: 400 });
  const checked = world.check();
  await world.send(changeFor(1, { number: 2n, desired: fragmentFor(1, { description: 'new' }) }));
  await checked;
  await eventually(() => world.settled.length === 3);
  await world.openItems((items) => items.length === 0);
  assert.ok(world.settled.every(isApplied));
  assert.equal(Object(ruleOf(world.router, 1))['description'], 'new 0');
  assert.equal(Object(ruleOf(world.router, 2))['description'], 'vm-2 0');
});

test('a repair waits for a lock that a person holds, and does not count as drift again', async (t) => {
  const world = await driftWorld(t, onDemand);
  await world.start();
  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  await world.router.person({ commands: ['set nat destination rule 10010 disable'], holdLockMs: 500 });
  const before = performance.now();
  const { items } = await world.check(true);
  assert.ok(performance.now() - before > 300, 'the lock was waited for');
  assert.deepEqual(
    items.map(({ state }) => state),
    [DriftState.REPAIRED],
  );
  assert.ok(!disabled(ruleOf(world.router, 1)));
  const counters = world.router.counters();
  assert.equal(counters.max_in_flight, 1);
});

test('a repair that the router refuses rests, and the item says why', async (t) => {
  const world = await driftWorld(t, { times: { driftEveryMs: 50, troubleMostMs: 60_000 } });
  await world.start();
  await world.send(changeFor(1), changeFor(2));
  await world.verdicts('vm-1', 'vm-2');
  world.router.addFault({ kind: 'refuse_set', match: 'vm-1 0', text: 'not today' });
  await world.setPolicies(['', REPAIR]);
  await world.router.person({ commands: [describe(1, 'mine')] });
  const [item] = await world.openItems(([one]) => one?.note.includes('not today') === true);
  assert.equal(item?.repairing, true);
  await world.send(changeFor(2, { number: 2n, desired: fragmentFor(2, { description: 'new' }) }));
  await eventually(() => Object(ruleOf(world.router, 2))['description'] === 'new 0');
  assert.ok(world.settled.every(isApplied));
});

test('a subtree that is empty in one reading only is no drift; in two it is', async (t) => {
  const world = await driftWorld(t, onDemand);
  const liar = await lyingRouter(t, world);
  await world.start({ router: liar.settings });
  await world.setPolicies(['', REPAIR]);
  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  const { commits } = world.router.counters();
  liar.hide(['nat', 'destination', 'rule'], 1);
  assert.deepEqual((await world.check()).items, []);
  assert.equal(world.router.counters().commits, commits, 'nothing was repaired');
  liar.hide(['nat', 'destination', 'rule'], 2);
  await world.check();
  await eventually(() => world.kinds().includes('repaired'));
});

test('a repair that was decided is made by whoever holds the router next', async (t) => {
  const world = await driftWorld(t, onDemand);
  const first = await world.start();
  await world.send(changeFor(1), changeFor(2));
  await world.verdicts('vm-1', 'vm-2');
  await world.setPolicies(['nat destination rule 10010', REPAIR]);
  await world.router.person({ commands: [describe(1, 'mine'), describe(2, 'mine')] });
  world.router.addFault({ kind: 'locked' });
  const asked = { principal: principal(), router: 'default' };
  await request(world.bus, DriftService.method.checkDrift, asked, { timeoutMs: 10_000 });
  await world.openItems((items) => items.length === 2 && items.some(({ repairing }) => repairing));
  await first.stop();
  world.router.clearFaults();
  await world.start();
  await world.openItems((items) => items.length === 1);
  assert.equal(Object(ruleOf(world.router, 1))['description'], 'vm-1 0');
  assert.equal(Object(ruleOf(world.router, 2))['description'], 'mine');
  const { items } = await world.drift(true);
  assert.ok(items.some(({ state, resourceId }) => state === DriftState.REPAIRED && resourceId === 'vm-1'));
});

test('two replicas: whichever is asked, the one that holds the router compares', async (t) => {
  const world = await driftWorld(t, onDemand);
  await Promise.all([world.start(), world.start()]);
  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  for (let times = 1; times <= 6; times++) {
    await world.router.person({ commands: [describe(1, `mine-${times}`)] });
    const { report } = await world.check(times % 2 === 0);
    assert.equal(report?.openItems, times % 2);
  }
  assert.equal(world.router.counters().max_in_flight, 1);
});

test('checks that are asked for at once share a reading, and one that does not wait is answered at once', async (t) => {
  const world = await driftWorld(t, onDemand);
  await world.start();
  const { number: before = 0n } = (await world.check()).report ?? {};
  const ask = (waitMs: number) =>
    request(
      world.bus,
      DriftService.method.checkDrift,
      { principal: principal(), router: 'default', waitMs },
      { timeoutMs: 30_000 },
    );
  world.router.setLatency({ preset: 'instant', wholeReadMs: 400 });
  const atOnce = await ask(0);
  assert.equal(atOnce.done, false);
  assert.equal(atOnce.report?.underWay, true);
  assert.equal(atOnce.report?.number, before, 'the last report');
  await Promise.all(Array.from({ length: 10 }, () => ask(20_000)));
  const { report } = await world.drift();
  assert.ok((report?.number ?? 0n) <= before + 3n, `${report?.number} after ${before}`);
});

test('of two who replace the same policies, the second is told that they are others now', async (t) => {
  const world = await driftWorld(t, onDemand);
  await world.start();
  const { method } = DriftService;
  const timeoutMs = 10_000;
  const asked = { principal: principal(), router: 'default' };
  const { tag: ifTag } = await request(world.bus, method.listDriftPolicies, asked, { timeoutMs });
  const replace = (policy: DriftPolicy, tag: string) =>
    request(
      world.bus,
      method.setDriftPolicies,
      { ...asked, rules: [{ path: ['nat'], policy }], ifTag: tag },
      { timeoutMs },
    );
  const results = await Promise.allSettled([replace(REPAIR, ifTag), replace(ACCEPT, ifTag)]);
  const refused = results.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  assert.deepEqual(
    refused.map(({ code }) => code),
    ['VERSION_MISMATCH'],
  );
  const now = await request(world.bus, method.listDriftPolicies, asked, { timeoutMs });
  await replace(REPORT, now.tag);
  await replace(REPAIR, '');
  const once = { ...asked, idempotency: { scope: 'put', key: 'k', fingerprint: new Uint8Array([1]) } };
  const first = await request(world.bus, method.setDriftPolicies, { ...once, rules: [] }, { timeoutMs });
  await replace(REPORT, '');
  const again = await request(world.bus, method.setDriftPolicies, { ...once, rules: [] }, { timeoutMs });
  assert.deepEqual([first.replayed, again], [false, { ...first, replayed: true }]);
  assert.equal((await request(world.bus, method.listDriftPolicies, asked, { timeoutMs })).rules.length, 1);
});

test('drift is for those who may read routers and belong to no group; checks and policies are for admins', async (t) => {
  const world = await driftWorld(t, onDemand);
  await world.start();
  const { method } = DriftService;
  const timeoutMs = 10_000;
  const denied = { code: 'PERMISSION_DENIED' };
  const reader = { principal: principal(['routers:read']), router: 'default' };
  await request(world.bus, method.getDrift, reader, { timeoutMs });
  await assert.rejects(request(world.bus, method.checkDrift, reader, { timeoutMs }), denied);
  await assert.rejects(request(world.bus, method.setDriftPolicies, reader, { timeoutMs }), denied);
  const ofGroup = { principal: principal(['*'], 'blue'), router: 'default' };
  await assert.rejects(request(world.bus, method.getDrift, ofGroup, { timeoutMs }), denied);
  await assert.rejects(request(world.bus, method.listDriftPolicies, ofGroup, { timeoutMs }), denied);
  const elsewhere = { principal: principal(), router: 'other' };
  await assert.rejects(request(world.bus, method.checkDrift, elsewhere, { timeoutMs }), { code: 'ROUTER_UNKNOWN' });
  await assert.rejects(world.setPolicies(['system login', REPAIR]), { code: 'INVALID_REQUEST' });
  await assert.rejects(world.setPolicies(['nat', REPAIR], ['nat', REPORT]), { code: 'INVALID_REQUEST' });
});
