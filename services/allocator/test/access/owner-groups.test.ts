import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { eventually } from '@berth/testing';
import { adopt, handMadeWorld } from '../support/adoptable-side.ts';
import { BulkSide, provisionItem, settleAll } from '../support/bulk-world.ts';
import { PlanSide } from '../support/plan-side.ts';
import { groupFact, playFacts } from '../support/played-facts.ts';
import { ipPool, keyed, poolSide, portPool } from '../support/pool-side.ts';
import { aPrincipal, makeWorld } from '../support/world.ts';

const refused = (field: string) => ({
  ...{ kind: 'invalid', code: 'UNKNOWN_GROUP' },
  details: { fields: [{ field, message: 'there is no group "gone"' }] },
});

test('what would belong to a group that is not there is refused by its field, whichever way it is asked for', async (t) => {
  const world = await handMadeWorld(t, 1);
  t.after(settleAll(world));
  await world.provision({ vmName: 'vm', ownerGroup: 'blue' });
  const [plans, bulks, pools] = [new PlanSide(world), new BulkSide(world), poolSide(world)];
  const owner = refused('owner_group');
  await assert.rejects(world.provision({ vmName: 'x', ownerGroup: 'gone' }), owner);
  await assert.rejects(world.provision({ vmName: 'x' }, { principal: aPrincipal({ group: 'gone' }) }), owner);
  await assert.rejects(world.updateVm('vm', { ownerGroup: 'gone' }), owner);
  await assert.rejects(adopt(world, { all: true, ownerGroup: 'gone' }), owner);
  const planned = { vmId: randomUUID(), vmName: 'x', ownerGroup: 'gone' };
  for (const dryRun of [true, false]) {
    await assert.rejects(plans.create({ case: 'provision', value: planned }, { dryRun }), owner);
  }
  const id = await bulks.ask([provisionItem('a', { ownerGroup: 'gone' }), provisionItem('b', { ownerGroup: 'red' })]);
  await bulks.ended(id);
  assert.deepEqual(await bulks.codes(id), ['UNKNOWN_GROUP', '']);

  const ofPool = refused('groups');
  for (const validateOnly of [true, false]) {
    const asked = { ...portPool('x', 40_000, 40_009, { groups: ['blue', 'gone'] }), validateOnly };
    await assert.rejects(pools.createPool(asked), ofPool);
  }
  await pools.createPool(portPool('x', 40_000, 40_009, { groups: ['blue'] }));
  const more = { pool: { name: 'port-pools/x', groups: ['blue', 'gone'] }, updateMask: { paths: ['groups'] } };
  await assert.rejects(pools.updatePool(more), ofPool);
  assert.deepEqual(await world.list(10), [['b', 'vm']]);
  assert.equal((await world.vm('vm')).ownerGroup, 'blue');
});

test('a group that was made a moment ago owns things at once, on every replica', async (t) => {
  const world = await makeWorld(t, { replicas: 2 });
  const names = Array.from({ length: 8 }, (_, place) => `new-${place}`);
  for (const name of names) world.facts?.tell(groupFact(name));
  await Promise.all(names.map((name) => world.provision({ vmName: name, ownerGroup: name })));
  const made = await Promise.all(names.map((name) => world.vm(name)));
  assert.deepEqual(
    made.map(({ ownerGroup }) => ownerGroup),
    names,
  );
});

test('what a removed group owns stays, can be used and given away, and nothing more comes to it; repeats get their first answer', async (t) => {
  const world = await makeWorld(t);
  const pools = poolSide(world);
  const everywhere = { principal: aPrincipal({ permissions: ['*'] }) };
  world.facts?.tell(groupFact('green'));
  const plans = new PlanSide(world);
  const plan = await plans.create(
    { case: 'provision', value: { vmId: randomUUID(), vmName: 'planned', ownerGroup: 'green' } },
    {},
    everywhere,
  );
  const pool = await pools.createPool(ipPool('edge', '10.0.2.1', '10.0.2.9', { groups: ['green'] }), keyed('pool'));
  const operationId = randomUUID();
  const first = { vmName: 'vm', ownerGroup: 'green', pool: 'edge', noForwards: true };
  const operation = await world.provision(first, { ...everywhere, operationId });
  await world.applied(operation, 1n);

  world.facts?.tell({ case: 'group', value: { name: 'green', removed: true } });
  await eventually(() =>
    world.provision({ vmName: 'late', ownerGroup: 'green' }, everywhere).then(
      () => false,
      ({ code }) => code === 'UNKNOWN_GROUP',
    ),
  );
  await assert.rejects(plans.apply(plan.id, everywhere), {
    code: 'PLAN_OUTDATED',
    message: /There is no group "green"/,
  });
  const again = await world.provision(first, { ...everywhere, operationId });
  assert.deepEqual([again.id, again.vmId], [operation.id, operation.vmId]);
  const samePool = ipPool('edge', '10.0.2.1', '10.0.2.9', { groups: ['green'] });
  assert.equal((await pools.createPool(samePool, keyed('pool'))).name, pool.name);

  // As it is, also where its group is said again.
  await world.updateVm('vm', { metadata: { a: 1 }, ownerGroup: 'green' }, everywhere);
  assert.equal((await world.vm('vm')).ownerGroup, 'green');
  const described = { pool: { name: 'ip-pools/edge', description: 'left', groups: ['green'] } };
  const paths = ['description', 'groups'];
  assert.deepEqual((await pools.updatePool({ ...described, updateMask: { paths } })).groups, ['green']);
  assert.deepEqual(await world.list(10, aPrincipal({ group: 'blue' })), [[]]);

  const handed = { pool: { name: 'ip-pools/edge', groups: ['blue'] }, updateMask: { paths: ['groups'] } };
  assert.deepEqual((await pools.updatePool(handed)).groups, ['blue']);
  await world.updateVm('vm', { ownerGroup: 'blue' }, everywhere);
  assert.deepEqual(await world.list(10, aPrincipal({ group: 'blue' })), [['vm']]);
});

test('while nobody can say which groups there are, what names one waits or is told to, and all else goes on', async (t) => {
  const world = await makeWorld(t, { authAway: true });
  t.after(settleAll(world));
  const named = { vmName: 'vm', ownerGroup: 'blue' };
  await assert.rejects(world.provision(named), { kind: 'unavailable', code: 'ACCESS_STATE_STALE' });
  const bulks = new BulkSide(world);
  const id = await bulks.ask([provisionItem('a', { ownerGroup: 'blue' })]);
  await world.provision({ vmName: 'free' });
  await playFacts(world.bus, groupFact('blue'));
  await bulks.ended(id);
  assert.deepEqual(await bulks.codes(id), ['']);
  await world.ended(await world.provision(named));
});
