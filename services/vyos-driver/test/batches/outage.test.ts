import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RouterState } from '@berth/contracts';
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
import { startTlsRouter, success } from '../support/tls-router.ts';

const batchStates = async (world: World) =>
  (await world.query<{ state: string }>('SELECT state FROM batches ORDER BY sent_at')).map((row) => row.state);

for (const kind of ['gateway_timeout', 'drop_connection'] as const) {
  test(`an answer that never came (${kind}) is settled by reading, behind a barrier, and nothing is sent twice`, async (t) => {
    const world = await driverWorld(t);
    await world.start();
    world.router.addFault({ kind, times: 1 });
    await world.send(changeFor(1), changeFor(2));
    const verdicts = await world.verdicts('vm-1', 'vm-2');
    assert.ok(verdicts.every(isApplied));
    assert.deepEqual(
      (await batchStates(world)).filter((state) => state !== 'applied'),
      ['settled_by_read'],
    );
    const counters = world.router.counters();
    assert.ok(counters.empty_configures >= 1);
    assert.equal(counters.reads_beside_write, 0);
    assert.equal(counters.max_in_flight, 1);
    await eventually(() => JSON.stringify(world.router.config('saved')) === JSON.stringify(world.router.config()));
  });
}

test('however long the outage after a lost answer, the barrier is the first thing that the router gets', async (t) => {
  const world = await driverWorld(t, { times: { probeEveryMs: 50 } });
  await world.start();
  world.router.addFault({ kind: 'drop_connection', times: 1 });
  await world.send(changeFor(1));
  await eventually(() => world.router.log().some((one) => one.path === '/configure'));
  await world.router.reboot({ downMs: 1_000 });
  await world.verdicts('vm-1');
  assert.ok(world.states().includes(RouterState.BREAKER_OPEN));
  const log = world.router.log();
  const sentAt = log.findIndex((one) => one.path === '/configure');
  assert.deepEqual(log[sentAt + 1]?.body, { commands: [] });
});

test('a request that got a 502 changed nothing, and is sent again', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  world.router.addFault({ kind: 'bad_gateway', times: 1 });
  await world.send(changeFor(1));
  const [settled] = await world.verdicts('vm-1');
  assert.ok(settled && isApplied(settled));
  assert.deepEqual(await batchStates(world), ['settled_by_read', 'applied']);
});

test('while somebody else holds the lock changes wait, and the router counts as up', async (t) => {
  const world = await driverWorld(t, { times: { lockedAlarmMs: 100 } });
  await world.start();
  await world.router.person({ commands: [], holdLockMs: 60_000 });
  await world.send(changeFor(1));
  const status = await eventually(() => world.statuses.find((one) => one.reason.includes('locked')));
  assert.equal(status.state, RouterState.OK);
  await world.router.reboot({ downMs: 0 }); // frees the lock
  const [settled] = await world.verdicts('vm-1');
  assert.ok(settled && isApplied(settled));
});

test('a lock that is short only delays', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  world.router.addFault({ kind: 'locked', times: 3 });
  await world.send(changeFor(1));
  const [settled] = await world.verdicts('vm-1');
  assert.ok(settled && isApplied(settled));
  assert.deepEqual(await batchStates(world), ['applied']);
});

test('each sending of a batch is noted, so that a barrier behind it counts from the last one', async (t) => {
  const world = await driverWorld(t);
  const sentAt: string[] = [];
  const beforeSend = async () => {
    const rows = await world.query<{ sent_at: string }>(`SELECT sent_at::text FROM batches WHERE state = 'sending'`);
    sentAt.push(...rows.map((row) => row.sent_at));
  };
  await world.start({}, { beforeSend });
  world.router.addFault({ kind: 'locked', times: 3 });
  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  assert.equal(sentAt.length, 4);
  assert.deepEqual([...new Set(sentAt)].sort(), sentAt);
});

test('a router that is away opens the breaker; changes wait and land when it is back', async (t) => {
  const world = await driverWorld(t, { times: { probeEveryMs: 50 } });
  await world.start();
  await eventually(() => world.states().includes(RouterState.OK));
  const back = world.router.reboot({ downMs: 1_000 });
  const open = await eventually(() => world.statuses.find((one) => one.state === RouterState.BREAKER_OPEN));
  assert.ok(open.retryAfterSeconds > 0);
  await world.send(changeFor(1));
  await back;
  const [settled] = await world.verdicts('vm-1');
  assert.ok(settled && isApplied(settled));
  assert.equal(world.states().at(-1), RouterState.OK);
  const text = await world.metrics.metrics();
  assert.match(text, /berth_driver_breaker_state\{router="default",state="closed"\} 1/);
});

test('what a reboot lost, because it was not saved yet, is put back', async (t) => {
  const world = await driverWorld(t, { times: { probeEveryMs: 50 } });
  await world.start();
  world.router.addFault({ kind: 'success_false', endpoint: '/config-file' });
  await world.send(...vmIds(1, 3).map((_, n) => changeFor(n + 1)));
  await world.verdicts(...vmIds(1, 3));
  const back = world.router.reboot({ downMs: 500 });
  await eventually(() => ruleOf(world.router, 3) === undefined, { everyMs: 5 });
  world.router.clearFaults();
  await back;
  await eventually(() => ruleOf(world.router, 3) !== undefined && mappingOf(world.router, 3) !== undefined);
  await eventually(() => mappingOf(world.router, 3, 'saved') !== undefined);
  assert.equal(world.settled.length, 3);
  await assertForeignUntouched(world.router);
});

test('what a removal took away and a reboot brings back, because it was not saved yet, is ours and goes again', async (t) => {
  const world = await driverWorld(t, { times: { probeEveryMs: 50 } });
  await world.start();
  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  await eventually(() => mappingOf(world.router, 1, 'saved') !== undefined);
  world.router.addFault({ kind: 'success_false', endpoint: '/config-file' });
  await world.send(changeFor(1, { number: 2n, desired: undefined }));
  await eventually(() => world.settled.length === 2);
  const back = world.router.reboot({ downMs: 500 });
  await eventually(() => ruleOf(world.router, 1) !== undefined, { everyMs: 5 });
  world.router.clearFaults();
  await back;
  await eventually(() => ruleOf(world.router, 1) === undefined && mappingOf(world.router, 1, 'saved') === undefined);
  await eventually(async () => (await world.query('SELECT * FROM owned_paths')).length === 0);
  await assertForeignUntouched(world.router);
});

test('what a person makes where a removed object of ours stood is theirs, although the removal was not saved yet', async (t) => {
  const world = await driverWorld(t, { times: { probeEveryMs: 50 } });
  await world.start();
  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  await eventually(() => mappingOf(world.router, 1, 'saved') !== undefined);
  world.router.addFault({ kind: 'locked', endpoint: '/config-file' });
  await world.send(changeFor(1, { number: 2n, desired: undefined }));
  await eventually(() => world.settled.length === 2);
  await world.router.person({
    commands: [
      'set nat destination rule 10010 description theirs',
      'set nat destination rule 10010 inbound-interface name eth0',
      'set nat destination rule 10010 protocol tcp',
      'set nat destination rule 10010 destination port 9999',
      'set nat destination rule 10010 translation address 10.10.0.77',
    ],
  });
  // A save that is not answered makes the driver read everything and repair what it finds of its own.
  world.router.clearFaults();
  world.router.addFault({ kind: 'bad_gateway', endpoint: '/config-file', times: 1 });
  await eventually(async () => {
    const paths = await world.query<{ path: string }>('SELECT path FROM owned_paths');
    return paths.every(({ path }) => !path.includes('10010'));
  });
  await eventually(() => mappingOf(world.router, 1, 'saved') === undefined);
  assert.equal(Object(ruleOf(world.router, 1, 'saved'))['description'], 'theirs');
});

test('an edit by a person on a router that was always there is reported, and stays through an outage', async (t) => {
  const world = await driverWorld(t, { times: { driftEveryMs: 100, probeEveryMs: 50 } });
  await world.start();
  await world.send(changeFor(1), changeFor(2));
  await world.verdicts('vm-1', 'vm-2');
  await world.router.person({
    commands: ['set nat destination rule 10010 description mine', 'delete nat destination rule 10020'],
  });
  await eventually(async () => /drifted_resources\{router="default"\} 2/.test(await world.metrics.metrics()));
  assert.equal(Object(ruleOf(world.router, 1))['description'], 'mine');
  // A new revision of a VM whose rule is gone is planned from what is there.
  await world.send(changeFor(2, { number: 2n }));
  await eventually(() => world.settled.length === 3);
  assert.ok(world.settled.every(isApplied));
  assert.notEqual(ruleOf(world.router, 2), undefined);
  await eventually(() => Object(ruleOf(world.router, 1, 'saved'))['description'] === 'mine'); // saved with ours
  const reports = async () =>
    Number((await world.query<{ number: string }>('SELECT number FROM drift_reports'))[0]?.number);
  const before = await reports();
  await world.router.reboot({ downMs: 200 });
  await eventually(async () => (await reports()) > before + 2);
  assert.equal(Object(ruleOf(world.router, 1))['description'], 'mine');
});

test('a refused save is tried again until running is saved', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  world.router.addFault({ kind: 'success_false', endpoint: '/config-file', times: 2 });
  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  await eventually(() => mappingOf(world.router, 1, 'saved') !== undefined);
});

test('a router with something unsaved is asked more often whether it is still there', async (t) => {
  const world = await driverWorld(t, {
    times: { probeEveryMs: 5_000, troubleFirstMs: 60_000, troubleMostMs: 60_000 },
  });
  await world.start();
  world.router.addFault({ kind: 'session_lost', endpoint: '/config-file' });
  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  const probes = () => world.router.log().filter((one) => JSON.stringify(one.body ?? '').includes('"exists"')).length;
  const before = probes();
  const startedAt = performance.now();
  await eventually(() => probes() >= before + 2);
  assert.ok(performance.now() - startedAt < 8_000, 'two at the ordinary pace take 10 s');
});

test('a save that broke off is followed by a reading before anything is written', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  world.router.addFault({ kind: 'session_lost', endpoint: '/config-file' });
  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  const next = await eventually(() => {
    const paths = world.router.log().map((one) => one.path);
    const later = paths.slice(paths.indexOf('/config-file') + 1).filter((path) => path !== '/info' && path !== '/show');
    return paths.includes('/config-file') ? later[0] : undefined;
  });
  assert.equal(next, '/retrieve');
});

test('what a reboot lost between two probes, with nothing refused, is put back and is no drift', async (t) => {
  const world = await driverWorld(t, { times: { probeEveryMs: 5_000 } });
  await world.start();
  world.router.addFault({ kind: 'success_false', endpoint: '/config-file' });
  await world.send(changeFor(1), changeFor(2));
  await world.verdicts('vm-1', 'vm-2');
  await world.router.reboot({ downMs: 0 });
  assert.equal(ruleOf(world.router, 1), undefined, 'lost');
  await eventually(() => ruleOf(world.router, 1) !== undefined && ruleOf(world.router, 2) !== undefined);
  world.router.clearFaults();
  await eventually(() => mappingOf(world.router, 2, 'saved') !== undefined);
  assert.equal(world.settled.length, 2);
  assert.equal(world.router.counters().reboots, 1);
  await assertForeignUntouched(world.router);
});

for (const kind of ['success_false', 'bad_gateway', 'locked'] as const) {
  test(`a router that cannot save (${kind}) gets every change all the same, and its status says so`, async (t) => {
    const world = await driverWorld(t, { times: { probeEveryMs: 100 } });
    await world.start();
    world.router.addFault({ kind, endpoint: '/config-file' });
    await world.send(changeFor(1));
    await world.verdicts('vm-1');
    await eventually(() => world.router.log().filter(({ path }) => path === '/config-file').length >= 2);
    // A batch that is estimated to take long, before which is saved first.
    await world.send(...vmIds(2, 40).map((_, at) => changeFor(at + 2, { desired: fragmentFor(at + 2, { rules: 3 }) })));
    assert.ok((await world.verdicts(...vmIds(1, 40))).every(isApplied));
    await world.send(changeFor(41));
    assert.ok((await world.verdicts('vm-41')).every(isApplied));
    const told = () => world.statuses.findLast((one) => one.reason.includes('does not save'));
    const status = await eventually(told, { what: 'a reason' });
    assert.equal(status.state, RouterState.OK);
    assert.match(await world.metrics.metrics(), /save_failures_total\{router="default"\} [2-9]/);
    assert.equal(mappingOf(world.router, 41, 'saved'), undefined);
    world.router.clearFaults();
    await eventually(() => mappingOf(world.router, 41, 'saved') !== undefined);
    await eventually(() => world.statuses.at(-1)?.reason === '');
  });
}

test('what answers a probe and cannot be read is unreachable, with the reason, and is asked ever more rarely', async (t) => {
  const world = await driverWorld(t, { times: { awayFirstMs: 200, awayMostMs: 60_000 } });
  const front = await startTlsRouter(t);
  front.answer(success(true)); // HTTPS, JSON, and no router
  const { port, fingerprint } = front;
  await world.start({ router: { ...world.config.router, port, fingerprint }, startLookMs: 0 });
  const told = await eventually(() =>
    world.statuses.findLast(
      ({ state, retryAfterSeconds }) => state === RouterState.UNREACHABLE && retryAfterSeconds >= 2,
    ),
  );
  assert.match(told.reason, /no configuration/);
});
