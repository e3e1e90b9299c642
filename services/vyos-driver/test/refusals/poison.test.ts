import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RouterChange, Verdict } from '@berth/contracts';
import { eventually } from '@berth/testing';
import { changeFor } from '../support/changes.ts';
import { assertForeignUntouched, driverWorld, isApplied, ruleOf, type World } from '../support/driver-world.ts';

/** Sends the changes while a commit of vm-9 runs, so that they share the next batch. */
async function together(world: World, ...changes: RouterChange[]): Promise<void> {
  world.router.setLatency({ commitMs: 300 });
  await world.send(changeFor(9));
  await eventually(() => world.router.log().some((one) => one.path === '/configure' && one.ended_ms === null));
  await world.send(...changes);
  await world.verdicts('vm-9');
}

test('a change whose commits are never answered is rejected after several tries alone, and holds up nobody', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  world.router.addFault({ kind: 'bad_gateway', match: 'nat destination rule 10020' });
  await together(world, changeFor(1), changeFor(2), changeFor(3, { ownerGroup: 'group-2' }));
  const [first, second, third] = await world.verdicts('vm-1', 'vm-2', 'vm-3');
  assert.ok(first && third && isApplied(first) && isApplied(third));
  assert.deepEqual([second?.verdict, second?.code], [Verdict.REJECTED, 'ROUTER_REFUSED']);
  assert.match(second?.message ?? '', /no usable answer/);
  assert.equal(ruleOf(world.router, 2), undefined);
  assert.ok(world.statuses.some(({ reason }) => reason.includes('not to commits')));
  await eventually(() => world.statuses.at(-1)?.reason === '');
  await assertForeignUntouched(world.router);
});

test('a set that is refused without a word, again and again, is found by halves and rejected', async (t) => {
  const world = await driverWorld(t, { times: { lockedAlarmMs: 0 } });
  await world.start();
  world.router.addFault({ kind: 'refuse_set', match: 'nat destination rule 10020', text: '' });
  await together(world, changeFor(1), changeFor(2), changeFor(3, { ownerGroup: 'group-2' }));
  const [first, second, third] = await world.verdicts('vm-1', 'vm-2', 'vm-3');
  assert.ok(first && third && isApplied(first) && isApplied(third));
  assert.deepEqual([second?.verdict, second?.code], [Verdict.REJECTED, 'ROUTER_REFUSED']);
  assert.ok(world.statuses.every(({ reason }) => !reason.includes('locked')));
});
