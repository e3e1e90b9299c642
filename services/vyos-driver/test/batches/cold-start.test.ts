import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '@berth/testing';
import { changeFor, fragmentFor } from '../support/changes.ts';
import { assertForeignUntouched, driverWorld, isApplied, ruleOf, type World } from '../support/driver-world.ts';

const rules = 7;
const wanted = (n: number) => fragmentFor(n, { rules, description: `a description of ordinary length for vm-${n}` });

/** A router that holds VMs 1 to `count` of two groups. */
async function filledWorld(
  t: Parameters<typeof driverWorld>[0],
  count: number,
): Promise<World & { stop(): Promise<void> }> {
  const world = await driverWorld(t, { times: { probeEveryMs: 100 } });
  const driver = await world.start();
  const numbers = Array.from({ length: count }, (_, at) => at + 1);
  await world.send(
    ...numbers.map((n) => changeFor(n, { desired: wanted(n), ownerGroup: n % 2 === 0 ? 'even' : 'odd' })),
  );
  await eventually(() => world.settled.length === count, { timeoutMs: 120_000, what: 'all applied' });
  assert.ok(world.settled.every(isApplied));
  return { ...world, stop: () => driver.stop() };
}

/** Other hardware in its place, with what others had configured. */
async function replaceHardware({ router }: World, count: number): Promise<void> {
  const network = 'service dhcp-server shared-network-name LAN subnet 10.10.0.0/16';
  const commands = Array.from({ length: count }, (_, at) => at + 1).flatMap((n) => [
    `delete ${network} static-mapping vm-${n}`,
    ...Array.from({ length: rules }, (_, rule) => `delete nat destination rule ${10_000 + n * 10 + rule}`),
  ]);
  await router.person({ commands, save: true });
  await router.reboot({ downMs: 500 }); // long enough for a probe to meet it
}

test('a router that lost everything is filled in as few commits as their size allows, and nobody has to touch a VM', async (t) => {
  const count = 260;
  const world = await filledWorld(t, count);
  const text = (tree: 'running' | 'saved') => JSON.stringify(world.router.config(tree));
  await eventually(() => text('saved') === text('running'), { timeoutMs: 60_000, what: 'all saved' });
  const asked = world.settled.length;
  const size = () => text('running').length;
  const whole = size();
  await replaceHardware(world, count);
  assert.equal(ruleOf(world.router, 1), undefined);
  await eventually(() => size() === whole, { timeoutMs: 60_000, what: 'everything back' });
  const sent = await world.query<{ operations: [string, ...string[]][] }>(
    `SELECT operations FROM batches WHERE id IN (SELECT batch_id FROM batch_changes WHERE purpose = 'repair')`,
  );
  const operations = sent.flatMap((batch) => batch.operations.map(([op, ...path]) => ({ op, path })));
  const bodyBytes = JSON.stringify({ commands: operations }).length;
  const commits = sent.length;
  t.diagnostic(`${commits} commits, ${bodyBytes} bytes`);
  assert.equal(operations.length, count * (rules * 7 + 2), 'each line once');
  assert.equal(commits, Math.ceil(bodyBytes / 900_000), 'as many as the size of a request allows');
  assert.ok(commits > 1);
  assert.equal(world.settled.length, asked, 'no VM was judged again');
  await assertForeignUntouched(world.router);
});

test('while a router is filled again, another change does not wait for all of it', async (t) => {
  const count = 80;
  const world = await filledWorld(t, count);
  await world.stop();
  await replaceHardware(world, count);
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
