import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { eventually } from '@berth/testing';
import { changeFor, fragmentFor } from '../support/changes.ts';
import {
  assertForeignUntouched,
  driverWorld,
  isApplied,
  ruleOf,
  vmIds,
  type WorldOptions,
} from '../support/driver-world.ts';

const size = 60;
const rules = 3;

/** A router that works on a commit (VM 500) while the changes come, so that all of them wait for the next. */
async function stormWhileBusy(t: TestContext, options: WorldOptions, changes: ReturnType<typeof changeFor>[]) {
  const world = await driverWorld(t, { ...options, simulator: { latency: { commitMs: 1_500 } } });
  await world.start();
  await world.send(changeFor(500));
  await eventually(async () => (await world.query(`SELECT FROM batches WHERE state = 'sending'`)).length === 1);
  await world.send(...changes);
  const waiting = () => world.query<{ one: string }>(`SELECT resource_id AS one FROM resources WHERE waiting`);
  await eventually(async () => (await waiting()).length === changes.length + 1);
  assert.equal(world.settled.length, 0, 'the first commit still runs');
  world.router.setLatency({ commitMs: 20 });
  return world;
}

const storm = (group = 'group-1') =>
  vmIds(1, size).map((_, at) => changeFor(at + 1, { desired: fragmentFor(at + 1, { rules }), ownerGroup: group }));

test('sixty VMs that come while the router commits cost one commit more and one restart of DHCP', async (t) => {
  const world = await stormWhileBusy(t, { times: { batchFloorMs: 300_000 } }, storm());
  assert.ok((await world.verdicts(...vmIds(1, size))).every(isApplied));
  const { commits, dhcp_restarts, max_in_flight } = world.router.counters();
  assert.deepEqual([commits, dhcp_restarts, max_in_flight], [2, 2, 1]);
});

test('of sixty VMs that come together two are refused without a name: each is found in ⌈log2 n⌉ + 1 commits at most', async (t) => {
  const poisoned = [17, 44];
  const world = await stormWhileBusy(t, { times: { batchFloorMs: 300_000 } }, storm());
  for (const n of poisoned) {
    const text = `This cannot be (${n % 2})`;
    world.router.addFault({ kind: 'refuse_commit', match: `nat destination rule ${10_000 + n * 10}`, text });
  }
  const verdicts = await world.verdicts(...vmIds(1, size));
  const rejected = verdicts.filter((one) => !isApplied(one)).map((one) => one.resourceId);
  assert.deepEqual(
    rejected,
    poisoned.map((n) => `vm-${n}`),
  );
  const { commits } = world.router.counters();
  t.diagnostic(`${commits} commits`);
  assert.ok(commits <= 2 + poisoned.length * (Math.ceil(Math.log2(size)) + 1), `${commits} commits`);
  for (const n of poisoned) assert.equal(ruleOf(world.router, n), undefined);
  await assertForeignUntouched(world.router);
});

test('while many of one group wait, another group is in the next commit that starts', async (t) => {
  const other = changeFor(300, { ownerGroup: 'small' });
  const world = await stormWhileBusy(t, { times: { batchFloorMs: 1 } }, [...storm('big'), other]);
  await world.verdicts(...vmIds(1, size), 'vm-300');
  const batches = await world.query<{ resources: string[] }>(
    `SELECT array_agg(resource_id) AS resources FROM batch_changes JOIN batches ON id = batch_id
     GROUP BY batch_id, sent_at ORDER BY sent_at`,
  );
  assert.ok(batches.length >= 3, `${batches.length} commits`);
  assert.ok(batches[1]?.resources.includes('vm-300'));
});
