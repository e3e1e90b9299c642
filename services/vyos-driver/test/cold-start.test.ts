import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '@berth/testing';
import { changeFor, fragmentFor } from './changes.ts';
import { assertForeignUntouched, driverWorld, isApplied, mappingOf, ruleOf, vmIds, type World } from './driver-world.ts';

const rules = 5;
const wanted = (n: number) => fragmentFor(n, { rules, description: `a description of ordinary length for vm-${n}` });

/** A router that holds VMs 1 to `count` of two groups and has saved none of them. */
async function filledWorld(
  t: Parameters<typeof driverWorld>[0],
  count: number,
): Promise<World & { stop(): Promise<void> }> {
  const world = await driverWorld(t, { times: { probeEveryMs: 100 } });
  world.router.addFault({ kind: 'success_false', endpoint: '/config-file', text: 'no room' });
  const driver = await world.start();
  for (let n = 1; n <= count; n += 1) {
    await world.send(changeFor(n, { desired: wanted(n), ownerGroup: n % 2 === 0 ? 'even' : 'odd' }));
  }
  assert.ok((await world.verdicts(...vmIds(1, count))).every(isApplied));
  return { ...world, stop: () => driver.stop() };
}

test('a router that lost everything is filled in as few commits as their size allows, and nobody has to touch a VM', async (t) => {
  const count = 400;
  const world = await filledWorld(t, count);
  const before = world.router.counters().commits;
  const asked = world.settled.length;
  await world.router.reboot({ downMs: 0 });
  assert.equal(ruleOf(world.router, 1), undefined, 'nothing was saved');
  await eventually(
    () => {
      const there = Array.from({ length: count }, (_, at) => at + 1);
      return there.every((n) => mappingOf(world.router, n) !== undefined && ruleOf(world.router, n) !== undefined);
    },
    { timeoutMs: 60_000, what: 'everything back' },
  );
  const sent = await world.query<{ operations: [string, ...string[]][] }>(
    `SELECT operations FROM batches WHERE id IN (SELECT batch_id FROM batch_changes WHERE purpose = 'repair')`,
  );
  const operations = sent.flatMap((batch) => batch.operations.map(([op, ...path]) => ({ op, path })));
  const bodyBytes = JSON.stringify({ commands: operations }).length;
  const commits = world.router.counters().commits - before;
  t.diagnostic(`${commits} commits, ${bodyBytes} bytes`);
  assert.equal(operations.length, count * (rules * 7 + 2), 'each line once');
  assert.equal(commits, Math.ceil(bodyBytes / 900_000), 'as many as the size of a request allows');
  assert.ok(commits > 1);
  assert.equal(world.settled.length, asked, 'no VM was judged again');
  await assertForeignUntouched(world.router);
});

test('while a router is filled again, another change does not wait for all of it', async (t) => {
  const count = 120;
  const world = await filledWorld(t, count);
  await world.stop();
  await world.router.reboot({ downMs: 0 });
  // Each commit carries a few VMs only.
  await world.query(`UPDATE routers SET cost_model = '{"weights": [100, 0, 60, 60, 60], "recent": []}'`);
  await world.send(
    changeFor(500, { desired: wanted(500), ownerGroup: 'new' }),
    changeFor(501, { desired: wanted(501), ownerGroup: 'odd' }),
  );
  await world.start();
  assert.ok((await world.verdicts('vm-500', 'vm-501')).every(isApplied));
  const [first] = await world.query<{ changes: string[] }>(
    `SELECT array_agg(resource_id) FILTER (WHERE purpose = 'change') AS changes FROM batch_changes
     WHERE batch_id = (SELECT batch_id FROM batch_changes JOIN batches ON id = batch_id
                       WHERE purpose = 'repair' ORDER BY sent_at LIMIT 1)`,
  );
  assert.deepEqual(first?.changes?.sort(), ['vm-500', 'vm-501'], 'they were in the first commit that filled it');
  await eventually(() => ruleOf(world.router, count) !== undefined && ruleOf(world.router, 1) !== undefined, {
    timeoutMs: 60_000,
    what: 'everything back',
  });
});
