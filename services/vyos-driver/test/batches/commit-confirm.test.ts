import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { CommitConfirmState } from '@berth/contracts';
import { eventually } from '@berth/testing';
import { baseline, type ProfileName, type Simulator } from '@berth/vyos-simulator';
import { RouterClient } from '../../src/adapters/vyos/router-client.ts';
import type { Clock } from '../../src/app/clock.ts';
import { changeFor, fragmentFor } from '../support/changes.ts';
import {
  driverWorld,
  isApplied,
  mappingOf,
  ruleOf,
  vmIds,
  type World,
  type WorldOptions,
} from '../support/driver-world.ts';

const confirming: readonly ProfileName[] = ['1.5-2025', '1.5-2026'];

/** On the router two minutes are 600 ms. */
const shortMinutes = { scale: 0.005 } as const;

interface Given extends WorldOptions {
  readonly profile?: ProfileName;
  readonly management?: object;
}

/** A world whose router takes unconfirmed commits back, unless `management` says otherwise. */
async function confirmWorld(t: TestContext, given: Given = {}): Promise<World> {
  const { profile = '1.5-2026', management, simulator, ...options } = given;
  const config = structuredClone(Object(await baseline(profile)));
  config.system['config-management'] = management ?? {
    'commit-confirm': { action: 'reload' },
    'commit-revisions': '20',
  };
  return driverWorld(t, { ...options, simulator: { profile, config, ...simulator } });
}

/** What was sent to the router that matters here, in order. */
const sent = (router: Simulator): string[] =>
  router.log().flatMap(({ path, body }) => {
    const { op, commands, confirm_time: minutes } = Object(body);
    if (path === '/config-file') return ['save'];
    if (path === '/retrieve') return op === 'exists' ? ['probe'] : [];
    if (path !== '/configure') return [];
    if (op === 'confirm') return ['confirm'];
    if (commands?.length === 0) return [minutes === undefined ? 'empty' : 'question'];
    return [minutes === undefined ? 'commit' : `commit for ${minutes}`];
  });

const confirmation = (world: World) =>
  world.statuses.findLast((one) => one.profile !== undefined)?.profile?.commitConfirm;
const count = async (world: World, table: string) =>
  (await world.query<{ count: number }>(`SELECT count(*)::integer AS count FROM ${table}`))[0]?.count;
const batchStates = async (world: World) =>
  (await world.query<{ state: string }>('SELECT state FROM batches ORDER BY sent_at')).map((row) => row.state);
const reverts = async (world: World) =>
  Number((await world.metrics.getSingleMetricAsString('berth_driver_reverts_total')).match(/\} (\d+)/)?.[1] ?? 0);

/** Makes every `/configure` fail that comes after the next one: the confirmation, and every barrier. */
function cutOffAfterCommit(router: Simulator): void {
  for (let nth = 2; nth < 200; nth++) router.addFault({ kind: 'bad_gateway', endpoint: '/configure', nth });
}

/** Somebody else at the same API. */
function stranger(t: TestContext, { router }: World): RouterClient {
  const { port } = new URL(router.url);
  const client = new RouterClient({
    host: '127.0.0.1',
    port: Number(port),
    key: router.key,
    fingerprint: router.fingerprint,
  });
  t.after(() => client.close());
  return client;
}
const call = { timeoutMs: 5_000, mayStillSend: () => true };
const describing = (text: string) => [
  { op: 'set' as const, path: ['nat', 'destination', 'rule', '5', 'description', text] },
];

for (const profile of confirming) {
  test(`${profile}: every commit is put to the proof and confirmed before it is judged or saved`, async (t) => {
    const world = await confirmWorld(t, { profile });
    await world.start();
    await world.send(changeFor(1));
    assert.ok((await world.verdicts('vm-1')).every(isApplied));
    await eventually(() => sent(world.router).includes('save'));
    const asked = sent(world.router);
    assert.deepEqual(asked.slice(asked.indexOf('commit for 2')), ['commit for 2', 'probe', 'confirm', 'save']);
    assert.equal(world.router.counters().pending_confirm, false);
    assert.equal(confirmation(world)?.state, CommitConfirmState.ACTIVE);
    assert.equal(confirmation(world)?.minutes, 2);
    assert.deepEqual(await batchStates(world), ['applied']);
  });

  test(`${profile}: a commit after which the router is not reached is taken back, and waits on`, async (t) => {
    const world = await confirmWorld(t, { profile, simulator: { latency: shortMinutes } });
    await world.start();
    cutOffAfterCommit(world.router);
    await world.send(changeFor(1), changeFor(2));
    await eventually(() => world.router.counters().reverts === 1);
    assert.equal(ruleOf(world.router, 1), undefined);
    assert.equal(await count(world, 'verdicts'), 0);
    assert.ok(!sent(world.router).includes('save'));
    world.router.clearFaults();
    assert.ok((await world.verdicts('vm-1', 'vm-2')).every(isApplied));
    assert.equal(await reverts(world), 1);
    assert.ok(world.statuses.some(({ reason }) => /took the last commit back/.test(reason)));
    assert.deepEqual(await batchStates(world), ['settled_by_read', 'applied']);
    await eventually(() => world.statuses.at(-1)?.reason === '');
    assert.ok(ruleOf(world.router, 1));
  });

  test(`${profile}: a confirmation whose answer is lost is asked again, and the commit stays`, async (t) => {
    const world = await confirmWorld(t, { profile });
    await world.start();
    world.router.addFault({ kind: 'bad_gateway', nth: 2 });
    await world.send(changeFor(1));
    assert.ok((await world.verdicts('vm-1')).every(isApplied));
    assert.deepEqual(await batchStates(world), ['settled_by_read']);
    assert.equal(world.router.counters().pending_confirm, false);
    assert.equal(await reverts(world), 0);
  });

  test(`${profile}: the confirmation of somebody else is waited for, and never given`, async (t) => {
    const world = await confirmWorld(t, { profile, times: { lockedAlarmMs: 100 } });
    await world.start();
    const other = stranger(t, world);
    const theirs = await other.configure(describing('theirs'), { ...call, confirmMinutes: 10 });
    assert.ok(theirs.outcome.kind === 'applied' && theirs.outcome.unconfirmed === 'reload');
    await world.send(changeFor(1));
    await eventually(() => world.statuses.find(({ reason }) => /locked.*Another confirm/.test(reason)));
    assert.equal(await count(world, 'verdicts'), 0);
    assert.equal(world.router.counters().pending_confirm, true);
    assert.deepEqual((await other.confirm(call)).outcome, { kind: 'confirmed' });
    assert.ok((await world.verdicts('vm-1')).every(isApplied));
    assert.equal(world.router.counters().pending_confirm, false);
  });

  test(`${profile}: nor by the next process, when the first one ends meanwhile`, async (t) => {
    const world = await confirmWorld(t, { profile, times: { lockedAlarmMs: 100, stopGraceMs: 50 } });
    const first = await world.start();
    const other = stranger(t, world);
    await other.configure(describing('theirs'), { ...call, confirmMinutes: 10 });
    await world.send(changeFor(1));
    await eventually(() => sent(world.router).filter((one) => one === 'commit for 2').length > 1);
    await first.stop();
    const { length } = sent(world.router);
    await world.start();
    await eventually(() => sent(world.router).length > length + 3);
    assert.equal(await count(world, 'verdicts'), 0);
    assert.equal(world.router.counters().pending_confirm, true);
    assert.ok(!sent(world.router).includes('confirm'));
    await other.confirm(call);
    assert.ok((await world.verdicts('vm-1')).every(isApplied));
    assert.equal(world.router.counters().pending_confirm, false);
    assert.ok(ruleOf(world.router, 1));
  });

  test(`${profile}: what stands when the confirmation of somebody else runs out is taken back with theirs, and sent again`, async (t) => {
    const world = await confirmWorld(t, { profile, simulator: { latency: shortMinutes } });
    await world.start();
    await stranger(t, world).configure(describing('theirs'), { ...call, confirmMinutes: 3 });
    await world.send(changeFor(1));
    assert.ok((await world.verdicts('vm-1')).every(isApplied));
    assert.equal(world.router.counters().reverts, 1);
    assert.ok(ruleOf(world.router, 1));
    assert.equal(world.router.counters().pending_confirm, false);
  });

  test(`${profile}: a refused commit leaves no timer behind that takes back what comes later`, async (t) => {
    const world = await confirmWorld(t, { profile });
    await world.start();
    const outside = fragmentFor(1);
    await world.send(
      changeFor(1, { desired: { ...outside, mapping: { ...outside.mapping, ipAddress: '10.99.0.1' } } }),
      changeFor(2),
    );
    const settled = await world.verdicts(...vmIds(1, 2));
    assert.deepEqual(settled.map(isApplied), [false, true]);
    assert.equal(world.router.counters().pending_confirm, false);
    assert.equal(ruleOf(world.router, 1), undefined);
    assert.ok(!world.router.log().some(({ status, body }) => status === 400 && /pending/.test(JSON.stringify(body))));
  });
}

test('a process that dies between commit and confirmation leaves it to the next one, and nobody is told before', async (t) => {
  const world = await confirmWorld(t, { times: { stopGraceMs: 50 } });
  const first = await world.start();
  world.router.addFault({ kind: 'hang', nth: 2 });
  await world.send(changeFor(1));
  await eventually(() => sent(world.router).includes('confirm'));
  await first.stop();
  assert.deepEqual(await world.query('SELECT confirm_minutes FROM batches'), [{ confirm_minutes: 2 }]);
  assert.equal(await count(world, 'verdicts'), 0);
  assert.ok(mappingOf(world.router, 1));
  assert.equal(world.router.counters().pending_confirm, true);
  world.router.clearFaults();
  await world.start();
  assert.ok((await world.verdicts('vm-1')).every(isApplied));
  assert.equal(world.router.counters().pending_confirm, false);
  assert.deepEqual(await batchStates(world), ['settled_by_read']);
});

test('what the router took back while nobody looked is not believed: it is sent again', async (t) => {
  const world = await confirmWorld(t, { times: { stopGraceMs: 50 }, simulator: { latency: shortMinutes } });
  const first = await world.start();
  world.router.addFault({ kind: 'hang', nth: 2 });
  await world.send(changeFor(1));
  await eventually(() => sent(world.router).includes('confirm'));
  await first.stop();
  await eventually(() => world.router.counters().reverts === 1);
  world.router.clearFaults();
  await world.start();
  assert.ok((await world.verdicts('vm-1')).every(isApplied));
  assert.deepEqual(await batchStates(world), ['settled_by_read', 'applied']);
  assert.ok(ruleOf(world.router, 1));
});

/** A hundred times as fast as the machine's. */
const fastClock: Clock = {
  now: () => performance.now() * 100,
  after(ms, then) {
    const timer = setTimeout(then, ms / 100);
    return () => clearTimeout(timer);
  },
};

test('a part of an unconfirmed commit is not believed before the router had its time to take it back', async (t) => {
  const world = await confirmWorld(t, {
    times: { stopGraceMs: 50, pollMs: 5_000, awayFirstMs: 2_000, awayMostMs: 5_000 },
    simulator: { latency: shortMinutes },
  });
  const first = await world.start();
  world.router.addFault({ kind: 'hang', nth: 2 });
  await world.send(changeFor(1));
  await eventually(() => sent(world.router).includes('confirm'));
  await first.stop();
  await world.router.person({ commands: ['delete nat destination rule 10010'] });
  world.router.clearFaults();
  // The next process knows of no commits to be confirmed: what was sent with this one counts.
  await world.query(`UPDATE routers SET profile = profile - 'commitConfirm'`);
  await world.start({ settings: { commitConfirmMinutes: 0 } }, { clock: fastClock });
  assert.ok((await world.verdicts('vm-1')).every(isApplied));
  assert.equal(world.router.counters().reverts, 1);
  assert.ok(ruleOf(world.router, 1) && mappingOf(world.router, 1));
});

const unused: readonly [string, Given, CommitConfirmState, RegExp][] = [
  [
    'a router that would reboot, as it does by default',
    { management: { 'commit-revisions': '20' } },
    CommitConfirmState.WOULD_REBOOT,
    /action reload/,
  ],
  [
    'a router without revisions',
    { management: { 'commit-confirm': { action: 'reload' } } },
    CommitConfirmState.UNAVAILABLE,
    /commit-revisions/,
  ],
  ['an operator who switched it off', { commitConfirmMinutes: 0 }, CommitConfirmState.OFF, /settings/],
  [
    'a version without it',
    { profile: '1.5-2024', management: { 'commit-revisions': '20' } },
    CommitConfirmState.UNAVAILABLE,
    /cannot confirm/,
  ],
];
for (const [name, given, state, reason] of unused) {
  test(`commits are not confirmed with ${name}, and the router's profile says why`, async (t) => {
    const world = await confirmWorld(t, given);
    await world.start();
    await world.send(changeFor(1));
    assert.ok((await world.verdicts('vm-1')).every(isApplied));
    assert.deepEqual(
      sent(world.router).filter((one) => /^commit|confirm/.test(one)),
      ['commit'],
    );
    assert.equal(confirmation(world)?.state, state);
    assert.match(confirmation(world)?.reason ?? '', reason);
  });
}

test('a router that is told to take commits back is believed from the next look on', async (t) => {
  const world = await confirmWorld(t, { management: { 'commit-revisions': '20' }, times: { driftEveryMs: 100 } });
  await world.start();
  await eventually(() => confirmation(world)?.state === CommitConfirmState.WOULD_REBOOT);
  await world.router.person({ commands: ['set system config-management commit-confirm action reload'] });
  await eventually(() => confirmation(world)?.state === CommitConfirmState.ACTIVE);
  await world.send(changeFor(1));
  assert.ok((await world.verdicts('vm-1')).every(isApplied));
  assert.ok(sent(world.router).includes('confirm'));
});

test('a router that was told meanwhile to reboot is confirmed at once, and not asked to take anything back again', async (t) => {
  const world = await confirmWorld(t, { times: { probeEveryMs: 60_000, inventoryMaxAgeMs: 600_000 } });
  await world.start();
  await world.router.person({ commands: ['set system config-management commit-confirm action reboot'] });
  await world.send(changeFor(1));
  assert.ok((await world.verdicts('vm-1')).every(isApplied));
  await world.send(changeFor(2));
  assert.ok((await world.verdicts('vm-2')).every(isApplied));
  assert.deepEqual(
    sent(world.router).filter((one) => one !== 'save'),
    ['commit for 2', 'confirm', 'commit'],
  );
  assert.equal(world.router.counters().pending_confirm, false);
});
