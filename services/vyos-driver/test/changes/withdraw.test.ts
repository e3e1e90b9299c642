import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChangeStanding, QueueService, RouterState, Verdict, WithdrawalOutcome } from '@berth/contracts';
import { request } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { changeFor } from '../support/changes.ts';
import { configAt, driverWorld, ruleOf, type World } from '../support/driver-world.ts';
import { lyingRouter } from '../support/lying-router.ts';

const admin = { id: 'key-1', kind: 'api_key', name: 'ann', permissions: ['*'], group: '' };
const refTo = (n: number, number = 1n) => ({ resourceId: `vm-${n}`, revision: { incarnation: 1n, number } });

async function withdraw(world: World, n: number, principal = admin): Promise<WithdrawalOutcome | undefined> {
  const message = { principal, router: 'default', changes: [refTo(n)] };
  const answer = await request(world.bus, QueueService.method.withdrawChanges, message, { timeoutMs: 20_000 });
  return answer.withdrawals[0]?.outcome;
}

const queueOf = (world: World, ...numbers: readonly number[]) =>
  request(
    world.bus,
    QueueService.method.queryQueue,
    { principal: admin, router: 'default', changes: numbers.map((n) => refTo(n)) },
    { timeoutMs: 20_000 },
  );

/** A router whose commits take so long that a test can look while one runs. */
async function busyWorld(t: Parameters<typeof driverWorld>[0]): Promise<World> {
  const world = await driverWorld(t, { simulator: { latency: { commitMs: 1_500 } } });
  await world.start();
  await world.send(changeFor(1));
  await eventually(async () => (await queueOf(world, 1)).running !== undefined, { what: 'a commit that runs' });
  return world;
}

test('a change that waits is withdrawn and never sent; one whose commit runs is not', async (t) => {
  const world = await busyWorld(t);
  await world.send(changeFor(2), changeFor(3));
  await eventually(async () => (await queueOf(world, 2, 3)).places.length === 2);

  assert.equal(await withdraw(world, 2), WithdrawalOutcome.WITHDRAWN);
  assert.equal(await withdraw(world, 2), WithdrawalOutcome.WITHDRAWN, 'a repeat');
  assert.equal(await withdraw(world, 1), WithdrawalOutcome.UNDER_WAY);

  const verdicts = await world.verdicts('vm-1', 'vm-2', 'vm-3');
  assert.deepEqual(
    verdicts.map(({ verdict }) => verdict),
    [Verdict.APPLIED, Verdict.WITHDRAWN, Verdict.APPLIED],
  );
  assert.equal(ruleOf(world.router, 2), undefined);
  assert.equal(await withdraw(world, 1), WithdrawalOutcome.SETTLED);
  const sent = await world.query("SELECT FROM batch_changes WHERE resource_id = 'vm-2'");
  assert.equal(sent.length, 0);
});

test('a withdrawal that comes with the changes, or before its own, settles that revision', async (t) => {
  const world = await busyWorld(t);
  await world.send(changeFor(2));
  await world.send(changeFor(2, { withdraws: true }), changeFor(3, { withdraws: true }));
  await world.verdicts('vm-2', 'vm-3');
  await world.send(changeFor(3)); // overtaken
  await world.verdicts('vm-1');
  await eventually(() => world.settled.filter(({ resourceId }) => resourceId === 'vm-3').length === 2);
  assert.ok(world.settled.every(({ resourceId, verdict }) => resourceId === 'vm-1' || verdict === Verdict.WITHDRAWN));
  assert.equal(ruleOf(world.router, 3), undefined);
});

test('two revisions of one resource that are asked for together are each told what became of them', async (t) => {
  const world = await busyWorld(t);
  await world.send(changeFor(2));
  await world.send(changeFor(2, { number: 2n }));
  await eventually(async () => (await queueOf(world, 2)).places.length === 1);
  const changes = [refTo(2, 1n), refTo(2, 2n), refTo(2, 3n), refTo(9)];
  const message = { principal: admin, router: 'default', changes };
  const { withdrawals } = await request(world.bus, QueueService.method.withdrawChanges, message, { timeoutMs: 20_000 });
  assert.deepEqual(
    withdrawals.map(({ outcome }) => outcome),
    [
      WithdrawalOutcome.SETTLED,
      WithdrawalOutcome.WITHDRAWN,
      WithdrawalOutcome.UNSPECIFIED,
      WithdrawalOutcome.UNSPECIFIED,
    ],
  );
});

test('the next revision of a withdrawn one is a change like any other', async (t) => {
  const world = await busyWorld(t);
  await world.send(changeFor(2));
  await world.send(changeFor(2, { withdraws: true }));
  await world.verdicts('vm-2');
  await world.send(changeFor(2, { number: 2n }));
  await eventually(() =>
    world.settled.some(({ revision, verdict }) => revision?.number === 2n && verdict === Verdict.APPLIED),
  );
  assert.notEqual(ruleOf(world.router, 2), undefined);
});

test('changes of a batch that are withdrawn while it is about to be written ahead are left out of it', async (t) => {
  const world = await driverWorld(t, { simulator: { latency: { commitMs: 600 } } });
  await world.start();
  await world.send(changeFor(1));
  await eventually(async () => (await queueOf(world, 1)).running !== undefined);
  const ids = Array.from({ length: 40 }, (_, at) => at + 2);
  await world.send(...ids.map((n) => changeFor(n)));
  await eventually(async () => (await queueOf(world, ...ids)).places.length === ids.length);
  // Asked for while batches begin: each is either withdrawn and nowhere, or applied and there.
  const outcomes = await Promise.all(ids.map((n) => withdraw(world, n)));
  await world.verdicts(...ids.map((n) => `vm-${n}`));
  for (const [at, n] of ids.entries()) {
    const isThere = ruleOf(world.router, n) !== undefined;
    assert.equal(isThere, outcomes[at] !== WithdrawalOutcome.WITHDRAWN, `vm-${n}`);
  }
});

test('an adoption that is withdrawn while the router is read takes nothing over', async (t) => {
  const world = await driverWorld(t);
  await world.router.person({
    commands: [
      'set nat destination rule 20 inbound-interface name eth0',
      'set nat destination rule 20 protocol tcp',
      'set nat destination rule 20 destination port 8080',
      'set nat destination rule 20 translation address 10.10.0.20',
    ],
  });
  const front = await lyingRouter(t, world);
  await world.start({ router: front.settings });
  await eventually(() => world.states().includes(RouterState.OK));
  let outcome: WithdrawalOutcome | undefined;
  front.duringReading(async () => {
    outcome = await withdraw(world, 1);
  });
  const place = { inboundInterface: 'eth0', translationAddress: '10.10.0.20' };
  const rule = { ...place, number: 20, protocol: 'tcp', destinationPort: '8080' };
  await world.send(changeFor(1, { desired: { rules: [rule] }, adopts: true }));
  const [settled] = await world.verdicts('vm-1');
  await world.send(changeFor(2)); // the worker has come round when this one is settled
  await world.verdicts('vm-2');
  assert.deepEqual([outcome, settled?.verdict], [WithdrawalOutcome.WITHDRAWN, Verdict.WITHDRAWN]);
  assert.deepEqual(await world.query("SELECT FROM owned_paths WHERE resource_id = 'vm-1'"), []);
  assert.deepEqual(await world.query("SELECT FROM resources WHERE resource_id = 'vm-1' AND applied IS NOT NULL"), []);
  assert.notEqual(configAt(world.router, ['nat', 'destination', 'rule', '20']), undefined);
});

test('a change that asks for what stands, and is withdrawn while the router is read, is not applied', async (t) => {
  const world = await driverWorld(t, { times: { inventoryMaxAgeMs: 0 } });
  const front = await lyingRouter(t, world);
  await world.start({ router: front.settings });
  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  let number = 1n;
  let outcome: WithdrawalOutcome | undefined;
  // It is read before a change when the last reading is ten times as old as it took: not before every one on a slow machine.
  while (outcome === undefined) {
    number += 1n;
    const again = { router: 'default', changes: [refTo(1, number)], principal: admin };
    front.duringReading(async () => {
      const answer = await request(world.bus, QueueService.method.withdrawChanges, again, { timeoutMs: 20_000 });
      outcome = answer.withdrawals[0]?.outcome;
    });
    await world.send(changeFor(1, { number }));
    await eventually(() => world.settled.some((one) => one.resourceId === 'vm-1' && one.revision?.number === number));
  }
  await world.send(changeFor(2));
  await world.verdicts('vm-2');
  assert.equal(outcome, WithdrawalOutcome.WITHDRAWN);
  const [row] = await world.query<{ applied_number: string }>(
    "SELECT applied_number FROM resources WHERE resource_id = 'vm-1'",
  );
  assert.equal(row?.applied_number, String(number - 1n));
});

test('a change that a group did not ask for is not its to withdraw, nor to see', async (t) => {
  const world = await busyWorld(t);
  await world.send(changeFor(2));
  const other = { ...admin, id: 'key-2', group: 'group-2' };
  await eventually(async () => (await queueOf(world, 2)).places.length === 1);
  assert.equal(await withdraw(world, 2, other), WithdrawalOutcome.NOT_YOURS);
  const message = { principal: other, router: 'default', changes: [refTo(1), refTo(2)] };
  const seen = await request(world.bus, QueueService.method.queryQueue, message, { timeoutMs: 20_000 });
  assert.deepEqual(seen.places, []);
});

test('the queue tells the commit that runs, places in turns of the groups, and how long it will take', async (t) => {
  const world = await busyWorld(t);
  for (const n of [2, 3, 4]) await world.send(changeFor(n, { ownerGroup: 'many' }));
  await world.send(changeFor(5, { ownerGroup: 'few' }));
  const queue = await eventually(async () => {
    const seen = await queueOf(world, 1, 2, 3, 4, 5);
    return seen.places.length === 5 && seen.waiting === 5 ? seen : undefined;
  });
  assert.equal(queue.waiting, 5);
  assert.equal(queue.running?.resources, 1);
  assert.deepEqual(
    queue.places.map(({ standing }) => standing),
    [ChangeStanding.IN_BATCH, ...Array.from({ length: 4 }, () => ChangeStanding.WAITING)],
  );
  const [one, two, three, four, five] = queue.places;
  assert.equal(one?.batchId, queue.running?.id);
  assert.ok((two?.position ?? 0) < (three?.position ?? 0) && (three?.position ?? 0) < (four?.position ?? 0));
  assert.ok((five?.position ?? 0) < (three?.position ?? 0), 'the other group comes in its turn');
  assert.ok((one?.etaMs ?? 0) > 0 && (four?.etaMs ?? 0) > (one?.etaMs ?? 0));
  await world.verdicts('vm-1', 'vm-2', 'vm-3', 'vm-4', 'vm-5');
  const saved = await eventually(async () => {
    const [place] = (await queueOf(world, 5)).places;
    return place?.savedAt === undefined ? undefined : place;
  });
  assert.equal(saved.standing, ChangeStanding.SETTLED);
  assert.notEqual(saved.batchId, '');
  assert.equal(saved.etaMs, undefined);
});
