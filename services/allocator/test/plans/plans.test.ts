import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { BulkMode, OperationKind, OperationState, PlanState, PortAction, type VmPlan } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { eventually } from '@berth/testing';
import { profile } from '../support/driver-side.ts';
import { type PlanCommand, PlanSide } from '../support/plan-side.ts';
import { aPrincipal, makeWorld } from '../support/world.ts';

const fragmentText = (change: { desired?: { mapping?: unknown; rules: unknown[] } | undefined }) =>
  JSON.stringify([change.desired?.mapping, change.desired?.rules]);

const valuesOf = ({ vms }: VmPlan) =>
  vms.map((vm) => [vm.internalIp, vm.macAddress, ...vm.forwards.map((one) => [one.externalPort, ...one.ruleNumbers])]);

test('a plan says what a provision would get, and applying it gives exactly that, whatever became free meanwhile', async (t) => {
  const world = await makeWorld(t);
  const side = new PlanSide(world);
  const first = await side.provision('first');
  const plan = await side.provision('web');
  assert.equal(plan.state, PlanState.OPEN);
  assert.equal(plan.kind, OperationKind.PROVISION_VM);
  assert.equal(plan.vms[0]?.internalIp, '10.0.0.3');
  assert.deepEqual(
    plan.vms[0]?.forwards.map(({ externalPort }) => externalPort),
    [32_003, 32_004, 32_005],
  );
  assert.equal(plan.routers[0]?.changes?.operations.length, 4);
  assert.equal(plan.routers[0]?.changes?.estimateMs, 1_234);
  assert.deepEqual(world.driver.changes, []);
  await side.discard(first.id); // lower values than the plan's are free now

  const operation = await side.apply(plan.id);
  const change = await world.driver.change(operation.vmId);
  assert.equal(operation.vmId, plan.vms[0]?.vmId);
  assert.equal(change.desired?.mapping?.ipAddress, '10.0.0.3');
  assert.equal(change.desired?.mapping?.macAddress, plan.vms[0]?.macAddress);
  assert.deepEqual(
    change.desired?.rules.map((rule) => [Number(rule.destinationPort), rule.number]),
    [
      [32_003, plan.vms[0]?.forwards[0]?.ruleNumbers[0]],
      [32_004, plan.vms[0]?.forwards[1]?.ruleNumbers[0]],
      [32_005, plan.vms[0]?.forwards[2]?.ruleNumbers[0]],
    ],
  );
  await world.driver.settle(operation.vmId, { applied: true });
  assert.equal((await world.ended(operation)).state, OperationState.SUCCEEDED);
  const after = await side.get(plan.id);
  assert.deepEqual([after.state, after.operationId], [PlanState.APPLIED, operation.id]);
  assert.deepEqual(await side.held(), { values: 0, names: 0 });
  const [free] = await world.query<{ free: number }>(
    `SELECT count(*)::int AS free FROM allocations WHERE kind = 'vm' AND vm_id = '${operation.vmId}'`,
  );
  assert.equal(free?.free, 5);
});

test('a dry run says the same and keeps nothing', async (t) => {
  const world = await makeWorld(t);
  const side = new PlanSide(world);
  const dry = await side.provision('web', { dryRun: true });
  assert.deepEqual([dry.id, dry.state, dry.expiresAt], ['', PlanState.UNSPECIFIED, undefined]);
  assert.deepEqual(dry.vms[0]?.internalIp, '10.0.0.2');
  assert.deepEqual(await side.held(), { values: 0, names: 0 });
  assert.deepEqual(
    await world.query('SELECT FROM plans UNION ALL SELECT FROM operations UNION ALL SELECT FROM vms'),
    [],
  );
  const vm = await world.provision({ vmName: 'web' });
  assert.equal((await world.driver.change(vm.vmId)).desired?.mapping?.ipAddress, '10.0.0.2');
});

test('plans and provisions that come at once never get the same value', async (t) => {
  const world = await makeWorld(t, { replicas: 2 });
  const side = new PlanSide(world);
  const plans = await Promise.all(Array.from({ length: 12 }, (_, n) => side.provision(`planned-${n}`)));
  const [more, made] = await Promise.all([
    Promise.all(Array.from({ length: 8 }, (_, n) => side.provision(`more-${n}`))),
    Promise.all(Array.from({ length: 8 }, (_, n) => world.provision({ vmName: `made-${n}` }))),
  ]);
  const changes = await Promise.all(made.map(({ vmId }) => world.driver.change(vmId)));
  const addresses = [
    ...[...plans, ...more].map(({ vms }) => vms[0]?.internalIp),
    ...changes.map(({ desired }) => desired?.mapping?.ipAddress),
  ];
  const ports = [
    ...[...plans, ...more].flatMap(({ vms }) => vms[0]?.forwards.map(({ externalPort }) => externalPort) ?? []),
    ...changes.flatMap(({ desired }) => desired?.rules.map((rule) => Number(rule.destinationPort)) ?? []),
  ];
  assert.equal(new Set(addresses).size, 28);
  assert.equal(new Set(ports).size, 28 * 3);
  await assert.rejects(world.provision({ vmName: 'PLANNED-3' }), { code: 'VM_NAME_TAKEN' });
  await assert.rejects(side.provision('planned-3'), { code: 'VM_NAME_TAKEN' });
});

test('applied twice at once a plan makes one VM; the same request again is answered the same', async (t) => {
  const world = await makeWorld(t, { replicas: 2 });
  const side = new PlanSide(world);
  const plan = await side.provision('web');
  const ends = await Promise.allSettled([side.apply(plan.id), side.apply(plan.id), side.apply(plan.id)]);
  const applied = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
  const refused = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason.code] : []));
  assert.equal(applied.length, 1);
  assert.deepEqual(refused, ['PLAN_APPLIED', 'PLAN_APPLIED']);
  const operationId = applied[0]?.id ?? '';
  assert.equal((await side.apply(plan.id, { operationId })).id, operationId);
  assert.equal((await world.query('SELECT FROM vms')).length, 1);
});

test('a plan whose time is over holds nothing, also before anybody has swept; applying it is refused', async (t) => {
  const world = await makeWorld(t);
  const side = new PlanSide(world);
  const plan = await side.provision('web');
  assert.deepEqual(await side.held(), { values: 5, names: 3 });
  await world.query("UPDATE plans SET expires_at = clock_timestamp() - interval '1 second'");
  const next = await side.provision('web');
  assert.deepEqual(valuesOf(next)[0]?.[0], valuesOf(plan)[0]?.[0]);
  await assert.rejects(side.apply(plan.id), { code: 'PLAN_EXPIRED' });
  assert.equal((await side.get(plan.id)).state, PlanState.EXPIRED);
  await world.query("UPDATE plans SET expires_at = clock_timestamp() - interval '1 second' WHERE state = 'open'");
  await eventually(async () => (await side.held()).values === 0, { what: 'the sweep' });
});

test('what rests for its former VM goes back to rest when a plan of it expires, and to the VM when it is applied', async (t) => {
  const world = await makeWorld(t);
  const side = new PlanSide(world);
  const vm = await world.provisioned({ vmName: 'web' });
  await world.applied(await world.decommission('web'), 2n);
  const resting = () =>
    world.query("SELECT held, until FROM allocations WHERE kind = 'quarantine' AND until > now() ORDER BY held, id");
  const before = await resting();
  const plan = await side.provision('web');
  assert.equal(plan.vms[0]?.internalIp, vm.vm?.internalIp);
  assert.deepEqual(await resting(), []);
  await side.discard(plan.id);
  assert.deepEqual(await resting(), before);
  const again = await side.provision('web');
  const operation = await side.apply(again.id);
  const change = await world.driver.change(operation.vmId);
  assert.equal(change.desired?.mapping?.ipAddress, vm.vm?.internalIp);
});

test('a plan is outdated once its VM or what is on its router has changed; then it holds nothing', async (t) => {
  const world = await makeWorld(t);
  const side = new PlanSide(world);
  await world.provisioned({ vmName: 'web' });
  const create: PlanCommand = {
    case: 'changeForwards',
    value: { machineId: 'web', create: [{ name: 'db', internalPort: 5432 }] },
  };
  const plan = await side.create(create);
  assert.deepEqual(await side.held(), { values: 2, names: 0 });
  await world.applied(await world.changePorts('web', PortAction.PAUSE, ['ssh']), 2n);
  await assert.rejects(side.apply(plan.id), { code: 'PLAN_OUTDATED', message: /VM web was changed/ });
  const outdated = await side.get(plan.id);
  assert.equal(outdated.state, PlanState.OUTDATED);
  assert.match(outdated.reason, /VM web was changed/);
  await assert.rejects(side.apply(plan.id), { code: 'PLAN_OUTDATED', message: /VM web was changed/ });
  assert.deepEqual(await side.held(), { values: 0, names: 0 });

  const second = await side.create(create);
  side.base = 'somebody edited';
  await assert.rejects(side.apply(second.id), { code: 'PLAN_OUTDATED', message: /router default/ });
  assert.deepEqual(await side.held(), { values: 0, names: 0 });

  const third = await side.create(create);
  await world.updateVm('web', { metadata: { a: 'b' } }); // nothing of the router's
  const operation = await side.apply(third.id);
  const change = await world.driver.change(operation.vmId, 3n);
  const [port] = third.vms[0]?.forwards.filter(({ name }) => name === 'db') ?? [];
  assert.ok(change.desired?.rules.some((rule) => rule.destinationPort === String(port?.externalPort)));
});

test('every kind of change is planned as it is then sent', async (t) => {
  const world = await makeWorld(t);
  const side = new PlanSide(world);
  const { vmId } = await world.provisioned({ vmName: 'web' });
  const value = { machineId: 'web' };
  const commands: PlanCommand[] = [
    { case: 'changePorts', value: { ...value, action: PortAction.PAUSE, portNames: ['ssh'] } },
    { case: 'changeForwards', value: { ...value, create: [{ name: 'db', internalPort: 5432, externalPortCount: 3 }] } },
    { case: 'changeForwards', value: { ...value, delete: ['http'] } },
    { case: 'updateVm', value: { ...value, vmName: 'www', macAddress: '52:54:00:00:00:99' } },
    { case: 'decommission', value: { machineId: vmId } },
  ];
  for (const [index, command] of commands.entries()) {
    const plan = await side.create(command);
    const operation = await side.apply(plan.id);
    const change = await world.driver.change(vmId, BigInt(index + 2));
    assert.equal(plan.vms[0]?.removed, change.desired === undefined);
    const planned = plan.vms[0]?.forwards.flatMap(({ ruleNumbers }) => ruleNumbers).sort();
    if (change.desired)
      assert.deepEqual(change.desired.rules.map(({ number }) => number).sort(), planned, fragmentText(change));
    await world.applied(operation, BigInt(index + 2));
    assert.deepEqual(await side.held(), { values: 0, names: 0 });
  }
  assert.equal((await world.query("SELECT FROM allocations WHERE kind = 'vm'")).length, 0);
});

test('nothing is planned on top of a change that is on its way', async (t) => {
  const world = await makeWorld(t);
  const side = new PlanSide(world);
  await world.provision({ vmName: 'web' });
  const plan = side.create({ case: 'decommission', value: { machineId: 'web' } });
  await assert.rejects(plan, { code: 'VM_UNSETTLED' });
  assert.deepEqual(await world.query('SELECT FROM plans'), []);
});

test('what a write is refused for, its plan is refused for too', async (t) => {
  const world = await makeWorld(t, {
    config: {
      pools: {
        addressRange: { first: 0x0a000010, last: 0x0a000011 },
        portRange: { first: 32_000, last: 33_000 },
        ruleRange: { first: 10_000, last: 10_999 },
      },
    },
  });
  const side = new PlanSide(world);
  const plans = [await side.provision('a'), await side.provision('b')];
  await assert.rejects(side.provision('c'), { code: 'ADDRESS_POOL_EXHAUSTED', kind: 'exhausted' });
  await assert.rejects(world.provision({ vmName: 'c' }), { code: 'ADDRESS_POOL_EXHAUSTED' });
  await side.discard(plans[0]?.id ?? '');
  await world.provision({ vmName: 'c' });
  await assert.rejects(side.create({ case: 'decommission', value: { machineId: 'nobody' } }), { code: 'VM_NOT_FOUND' });
});

test('a driver that is not there, or a process that dies before it answers, leaves nothing held for long', async (t) => {
  const world = await makeWorld(t);
  const side = new PlanSide(world);
  const answering = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  side.beforeAnswer = () => {
    asked.resolve();
    return answering.promise;
  };
  const making = side.provision('web').catch((error: unknown) => error);
  await asked.promise;
  assert.deepEqual(await side.held(), { values: 5, names: 3 });
  const [row] = await world.query<{ state: string; seconds: number }>(
    'SELECT state, extract(epoch FROM expires_at - clock_timestamp())::float8 AS seconds FROM plans',
  );
  assert.equal(row?.state, 'making');
  assert.ok((row?.seconds ?? 99) < 31);
  assert.deepEqual((await side.list(10)).plans, []);
  // As if its process had died and the time went by.
  await world.query("UPDATE plans SET expires_at = clock_timestamp() - interval '1 second'");
  await eventually(async () => (await side.held()).values === 0, { what: 'the end of the holds' });
  answering.resolve();
  assert.equal(((await making) as { code?: string }).code, 'PLAN_NOT_MADE');
  assert.deepEqual(await side.held(), { values: 0, names: 0 });
});

test('what others hold on the router can be planned and not applied', async (t) => {
  const world = await makeWorld(t);
  const side = new PlanSide(world);
  side.conflict = 'The destination rule 10000 exists on the router.';
  const plan = await side.provision('web');
  assert.deepEqual(plan.warnings.slice(1), [side.conflict]);
  await assert.rejects(side.apply(plan.id), { code: 'PLAN_CONFLICTS' });
});

test('an Idempotency-Key makes one plan, and a plan is applied by its hash', async (t) => {
  const world = await makeWorld(t);
  const side = new PlanSide(world);
  const key = (text: string) => ({ idempotency: { scope: 'plans', key: 'k', fingerprint: Buffer.from(text) } });
  const first = await side.provision('web', {}, key('a'));
  assert.equal((await side.provision('web', {}, key('a'))).id, first.id);
  await assert.rejects(side.provision('web', {}, key('b')), { code: 'IDEMPOTENCY_KEY_REUSED' });
  await assert.rejects(side.apply(first.id, {}, { hash: 'another' }), { code: 'PLAN_HASH_MISMATCH' });
  await side.apply(first.id, {}, { hash: first.hash });
});

test('plans are their principal’s and their groups’; nobody may have many that hold something', async (t) => {
  const world = await makeWorld(t);
  const side = new PlanSide(world);
  const by = (id: string, group: string) => ({
    principal: { id, kind: 'api_key', name: id, permissions: ['vms:read', 'vms:write'], group },
  });
  const plan = await side.provision('web', {}, by('ann', 'red'));
  await side.get(plan.id, { id: 'bob', group: 'red' });
  await assert.rejects(side.get(plan.id, { id: 'eve', group: 'blue' }), { code: 'PLAN_NOT_FOUND' });
  await assert.rejects(side.apply(plan.id, by('eve', 'blue')), { code: 'PLAN_NOT_FOUND' });
  assert.deepEqual((await side.list(10, '', { id: 'eve', group: 'blue' })).plans, []);
  const operation = await side.apply(plan.id, by('bob', 'red'));
  assert.equal(operation.principalId, 'bob');
  assert.equal(operation.ownerGroup, 'red');

  await world.query(
    `INSERT INTO plans (id, state, kind, request, principal_id, principal_group, routers, commands, changes, versions, vms, refused, warnings,
       foreseen, hash, created_at, expires_at)
     SELECT gen_random_uuid(), 'open', 'provision-vm', '', 'key-1', '', '{}', '[]', '[]', '{}', '[]', '[]', '[]', '[]', '', now(), now() + interval '1 hour'
     FROM generate_series(1, 100)`,
  );
  await assert.rejects(side.provision('one-more'), { code: 'TOO_MANY_PLANS', kind: 'rate_limited' });
  await side.provision('one-more', { dryRun: true });
  const page = await side.list(60);
  assert.equal(page.plans.length, 60);
  assert.equal(
    (await side.list(60, page.nextPageToken)).plans.length,
    41,
    'with the red one: this key may see all groups',
  );
});

test('an atomic bulk is one plan, applied as one bulk with the VMs that were planned', async (t) => {
  const world = await makeWorld(t);
  const side = new PlanSide(world);
  const items = (...names: string[]) =>
    names.map((vmName) => ({ item: { case: 'provision' as const, value: { vmId: '', vmName } } }));
  const bulk = (mode: BulkMode, ...names: string[]) => ({
    case: 'bulk' as const,
    value: { mode, items: items(...names) },
  });
  await world.provisioned({ vmName: 'taken' });
  await assert.rejects(side.create(bulk(BulkMode.ATOMIC, 'a', 'taken')), { code: 'VM_NAME_TAKEN', message: /Item 1/ });

  const plan = await side.create(bulk(BulkMode.ATOMIC, 'a', 'b', 'c'));
  assert.equal(plan.kind, OperationKind.BULK);
  assert.equal(plan.vms.length, 3);
  const operation = await side.apply(plan.id, { operationId: plan.id });
  assert.equal(operation.id, plan.id);
  for (const vm of plan.vms) {
    const change = await world.driver.change(vm.vmId);
    assert.equal(change.desired?.mapping?.ipAddress, vm.internalIp);
    await world.driver.settle(vm.vmId, { applied: true });
  }
  assert.equal((await world.ended(operation)).state, OperationState.SUCCEEDED);

  const mixed = await side.create(bulk(BulkMode.BEST_EFFORT, 'd', 'taken', 'e'));
  assert.deepEqual(
    mixed.refused.map(({ index, error }) => [index, error?.code]),
    [[1, 'VM_NAME_TAKEN']],
  );
  const begun = await side.apply(mixed.id, { operationId: mixed.id });
  for (const vm of mixed.vms) await world.driver.settle(vm.vmId, { applied: true });
  const end = await world.ended(begun);
  assert.equal(end.error?.code, 'BULK_ITEMS_FAILED');
  assert.deepEqual(await side.held(), { values: 0, names: 0 });
});

test('a plan made by one replica is applied by another', async (t) => {
  const world = await makeWorld(t);
  const side = new PlanSide(world);
  const plan = await side.provision('web', { expiresInSeconds: 60 });
  assert.ok(Number(plan.expiresAt?.seconds) * 1_000 < Date.now() + 62_000);
  await assert.rejects(side.provision('x', { expiresInSeconds: 3_601 }), { code: 'INVALID_REQUEST' });
  await world.startReplica();
  const vm = await side.apply(plan.id, { operationId: randomUUID() });
  assert.equal(vm.vmName, 'web');
});

test('a plan that could not be made is not remembered: the same key and id make it anew', async (t) => {
  const world = await makeWorld(t);
  const side = new PlanSide(world);
  const context = {
    operationId: randomUUID(),
    idempotency: { scope: 'plans', key: 'k', fingerprint: Buffer.from('a') },
  };
  side.beforeAnswer = () => Promise.reject(new DomainError('unavailable', 'BUSY', 'Later.'));
  await assert.rejects(side.provision('web', {}, context), { code: 'BUSY' });
  assert.deepEqual(await side.held(), { values: 0, names: 0 });
  assert.deepEqual((await side.list(10)).plans, []);

  // Again, and now its process dies: the time of what it held goes by.
  const died = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  side.beforeAnswer = () => {
    asked.resolve();
    return died.promise;
  };
  const making = side.provision('web', {}, context).catch((error: unknown) => error);
  await asked.promise;
  await world.query("UPDATE plans SET expires_at = clock_timestamp() - interval '1 second'");
  await eventually(async () => (await world.query('SELECT FROM plans')).length === 0, { what: 'the end of the holds' });
  died.resolve();
  assert.equal(((await making) as { code?: string }).code, 'PLAN_NOT_MADE');

  side.beforeAnswer = async () => {};
  const plan = await side.provision('web', {}, context);
  assert.deepEqual([plan.state, plan.id], [PlanState.OPEN, context.operationId]);
  assert.equal((await side.apply(plan.id)).vmName, 'web');
});

test('a VM that was given to another group is planned by that group at once, and by nobody of the former', async (t) => {
  const world = await makeWorld(t);
  const side = new PlanSide(world);
  await world.provisioned({ vmName: 'web', ownerGroup: 'blue' });
  await world.updateVm('web', { ownerGroup: 'red' });
  const by = (group: string) => ({ principal: aPrincipal({ id: group, group }) });
  const removal: PlanCommand = { case: 'decommission', value: { machineId: 'web' } };
  await assert.rejects(side.create(removal, {}, by('blue')), { code: 'VM_NOT_FOUND' });
  assert.deepEqual(side.askedFor, []);
  assert.equal((await side.create(removal, {}, by('red'))).vms[0]?.removed, true);
  assert.deepEqual(side.askedFor, ['']); // the driver may not know of the new group yet
});

test('a plan over two routers whose time is over is ended under the locks of both alone', async (t) => {
  const world = await makeWorld(t);
  await world.driver.report({ router: 'alpha', profile: { ...profile, externalIp: '203.0.113.9' } });
  await eventually(
    async () =>
      (await world.query("SELECT FROM routers WHERE name = 'alpha' AND inventory_loaded = inventory")).length > 0,
    { what: 'the other router' },
  );
  const side = new PlanSide(world);
  const item = (vmName: string, router: string) => ({
    item: { case: 'provision' as const, value: { vmId: '', vmName, router } },
  });
  const items = [item('a', 'alpha'), item('d', 'default')];
  const plan = await side.create({ case: 'bulk', value: { mode: BulkMode.ATOMIC, items } });
  const held = await side.held();
  const locked = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<void>();
  const holding = world.database.transaction(async (sql) => {
    await sql.query("SELECT FROM routers WHERE name = 'alpha' FOR UPDATE");
    locked.resolve();
    await letGo.promise;
  });
  await locked.promise;
  await world.query("UPDATE plans SET expires_at = clock_timestamp() - interval '1 second'");
  await world.provision({ vmName: 'other', router: 'default' });
  const whileLocked = await side.held();
  letGo.resolve();
  await holding;
  assert.deepEqual(whileLocked, held);
  await eventually(async () => (await side.held()).values === 0, { what: 'the sweep' });
  assert.deepEqual(await side.held(), { values: 0, names: 0 });
  assert.equal((await side.get(plan.id)).state, PlanState.EXPIRED);
});

test('of two plans that give a VM the same name, the other keeps it when one is given up', async (t) => {
  const world = await makeWorld(t);
  const side = new PlanSide(world);
  await world.provisioned({ vmName: 'web' });
  const value = { machineId: 'web', vmName: 'www', macAddress: '52:54:00:00:00:99' };
  const first = await side.create({ case: 'updateVm', value });
  const second = await side.create({ case: 'updateVm', value });
  const removal = await side.create({ case: 'decommission', value: { machineId: 'web' } });
  await side.discard(first.id);
  await assert.rejects(world.provision({ vmName: 'WWW' }), { code: 'VM_NAME_TAKEN' });
  await assert.rejects(world.provision({ vmName: 'x', macAddress: value.macAddress }), { code: 'MAC_TAKEN' });
  const operation = await side.apply(second.id);
  assert.equal((await world.driver.change(operation.vmId, 2n)).desired?.mapping?.name, 'www');
  await side.discard(removal.id);
  assert.deepEqual(await side.held(), { values: 0, names: 0 });
});

test('a plan shows what became of its operation: one that failed is failed, and says to plan again', async (t) => {
  const world = await makeWorld(t);
  const side = new PlanSide(world);
  const plan = await side.provision('web');
  const operation = await side.apply(plan.id);
  const running = await side.get(plan.id);
  assert.deepEqual([running.state, running.operationState], [PlanState.APPLIED, OperationState.RUNNING]);
  await assert.rejects(side.apply(plan.id), { code: 'PLAN_APPLIED', message: 'The plan was applied already.' });
  await world.driver.settle(operation.vmId, { applied: false, message: 'No.' });
  await world.ended(operation);
  const failed = await side.get(plan.id);
  assert.deepEqual([failed.state, failed.operationState], [PlanState.FAILED, OperationState.FAILED]);
  await assert.rejects(side.apply(plan.id), { code: 'PLAN_APPLIED', message: /failed: make a new plan/ });
  assert.equal((await side.apply(plan.id, { operationId: operation.id })).state, OperationState.FAILED, 'a repeat');

  const open = await side.provision('other');
  const listed = async (...states: PlanState[]) => (await side.list(10, '', {}, states)).plans.map(({ id }) => id);
  assert.deepEqual(await listed(), [open.id, plan.id]);
  assert.deepEqual(await listed(PlanState.FAILED, PlanState.EXPIRED), [plan.id]);
  assert.deepEqual(await listed(PlanState.APPLIED), []);
  assert.deepEqual(await listed(PlanState.OPEN), [open.id]);
});
