import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ConfigOperation, ConfigVerb, ConflictKind, PlanService } from '@berth/contracts';
import { type Bus, request } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { changeFor, fragmentFor } from '../support/changes.ts';
import { driverWorld } from '../support/driver-world.ts';

const principal = { id: 'key', kind: 'api_key', name: 'key', permissions: ['vms:write'] };

const plan = (bus: Bus, changes: readonly { resourceId: string; desired?: object }[], by: object = principal) =>
  request(
    bus,
    PlanService.method.planChanges,
    { principal: { ...principal, ...by }, router: 'default', changes: [...changes] },
    { timeoutMs: 20_000 },
  );

const shown = (operations: readonly ConfigOperation[]) =>
  operations.map(({ verb, path }) => [verb === ConfigVerb.SET ? 'set' : 'delete', ...path]);

test('what a plan says is what the router then gets, and the way back is what a removal sends', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  const desired = fragmentFor(1, { rules: 2 });
  const planned = await plan(world.bus, [{ resourceId: 'vm-1', desired }]);
  assert.equal(planned.commits, 1);
  assert.ok(planned.restartsDhcp);
  assert.ok(planned.estimateMs > 0);
  assert.deepEqual(planned.conflicts, []);
  assert.ok(planned.operations.every(({ resourceId }) => resourceId === 'vm-1'));

  await world.send(changeFor(1, { desired }));
  await world.verdicts('vm-1');
  const [batch] = await world.query<{ operations: unknown }>('SELECT operations FROM batches');
  assert.deepEqual(batch?.operations, shown(planned.operations));

  const same = await plan(world.bus, [{ resourceId: 'vm-1', desired }]);
  assert.deepEqual([same.operations, same.commits, same.restartsDhcp], [[], 0, false]);
  const removal = await plan(world.bus, [{ resourceId: 'vm-1' }]);
  assert.deepEqual(shown(removal.operations), shown(planned.inverse));
  assert.deepEqual(shown(removal.inverse), shown(planned.operations));
});

test('a plan starts from what was accepted last, and its base changes with that', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  const wish = [{ resourceId: 'vm-1', desired: fragmentFor(1, { description: 'new' }) }];
  const before = await plan(world.bus, wish);
  assert.equal((await plan(world.bus, wish)).base, before.base);
  assert.equal(before.operations.length, 1);

  await world.send(changeFor(1, { number: 2n, desired: fragmentFor(1, { description: 'new' }) }));
  await eventually(() => world.settled.length === 2, { what: 'the second verdict' });
  const after = await plan(world.bus, wish);
  assert.deepEqual(after.operations, []);
  assert.notEqual(after.base, before.base);
});

test('what others hold on the router is a conflict, and so is what belongs to another resource', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  const [held] = await world.query<{ number: number; path: string }>(
    `SELECT (holding ->> 'firstNumber')::integer AS number, holding ->> 'path' AS path FROM foreign_holdings
     WHERE holding ->> 'kind' = 'rule_number' LIMIT 1`,
  );
  assert.ok(held, 'the baseline has rules that a person made');
  const fragment = fragmentFor(2);
  const rules = fragment.rules.map((rule) => ({ ...rule, number: held.number }));
  const { conflicts } = await plan(world.bus, [{ resourceId: 'vm-2', desired: { ...fragment, rules } }]);
  assert.deepEqual(
    conflicts.map(({ resourceId, conflict }) => [resourceId, conflict?.kind, conflict?.firstNumber, conflict?.path]),
    [['vm-2', ConflictKind.RULE_NUMBER, held.number, held.path]],
  );
  const taken = await plan(world.bus, [{ resourceId: 'vm-3', desired: fragmentFor(1) }]);
  assert.match(taken.conflicts[0]?.message ?? '', /belongs to vm-1/);
});

test('changes that one commit cannot carry are planned as several, each with its deletes first', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  const changes = Array.from({ length: 40 }, (_, n) => ({ resourceId: `vm-${n + 1}`, desired: fragmentFor(n + 1) }));
  const planned = await plan(world.bus, changes);
  assert.ok(planned.commits > 1);
  assert.equal(planned.operations.length, 40 * 9);
  assert.equal(new Set(planned.operations.map(({ resourceId }) => resourceId)).size, 40);
});

test('nobody plans without the permission, on a router that is not there, or with another group’s resources', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  const wish = [{ resourceId: 'vm-1' }];
  await assert.rejects(plan(world.bus, wish, { permissions: ['vms:read'] }), { code: 'PERMISSION_DENIED' });
  await assert.rejects(plan(world.bus, wish, { group: 'group-2' }), { code: 'PERMISSION_DENIED' });
  await plan(world.bus, wish, { group: 'group-1' });
  const elsewhere = request(
    world.bus,
    PlanService.method.planChanges,
    { principal, router: 'nowhere', changes: wish },
    { timeoutMs: 20_000 },
  );
  await assert.rejects(elsewhere, { code: 'ROUTER_UNKNOWN' });
});
