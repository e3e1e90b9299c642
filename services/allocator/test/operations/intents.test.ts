import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Operation, OperationState, PortAction } from '@berth/contracts';
import { makeWorld, type World } from '../support/world.ts';

const { PENDING, RUNNING, SUCCEEDED, FAILED } = OperationState;

const statesOf = (world: World, operations: readonly Operation[]) =>
  Promise.all(operations.map(async ({ id }) => (await world.operation(id)).state));

const enabledOf = (operation: Operation) =>
  Object.fromEntries(operation.vm?.forwards.map(({ name, enabled }) => [name, enabled]) ?? []);

test('while a revision is on its way, further operations wait, and changes then go together', async (t) => {
  const world = await makeWorld(t);
  const provision = await world.provision({ vmName: 'vm', forwards: [{ name: 'ssh' }] });
  const changes = [
    await world.changePorts('vm', PortAction.CREATE, ['http']),
    await world.changePorts('vm', PortAction.DISABLE, ['ssh']),
    await world.changePorts('vm', PortAction.CREATE, ['https']),
  ];
  const removal = await world.decommission('vm');
  assert.deepEqual(
    changes.map(({ state }) => state),
    [PENDING, PENDING, PENDING],
  );
  await world.driver.settle(provision.vmId, { applied: true });
  const together = await world.driver.change(provision.vmId, 2n);
  assert.deepEqual(
    together.operationIds,
    changes.map(({ id }) => id),
  );
  assert.deepEqual(
    together.desired?.rules.map(({ number, disabled }) => [number, disabled]),
    [
      [10_000, true],
      [10_001, false],
      [10_002, false],
    ],
  );
  assert.deepEqual(await statesOf(world, [...changes, removal]), [RUNNING, RUNNING, RUNNING, PENDING]);

  await world.driver.settle(provision.vmId, { applied: true, revision: 2n });
  const ended = await Promise.all(changes.map((change) => world.ended(change)));
  assert.deepEqual(ended.map(enabledOf), [
    { ssh: true, http: true },
    { ssh: false, http: true },
    { ssh: false, http: true, https: true },
  ]);
  assert.equal((await world.driver.change(provision.vmId, 3n)).desired, undefined);
  await world.driver.settle(provision.vmId, { applied: true, revision: 3n });
  assert.equal((await world.ended(removal)).state, SUCCEEDED);
});

test('changes that were refused together are tried one by one, in their order', async (t) => {
  const world = await makeWorld(t);
  const { vmId } = await world.provisioned({ vmName: 'vm', noForwards: true });
  const first = await world.changePorts('vm', PortAction.CREATE, ['ssh']);
  const bad = await world.changePorts('vm', PortAction.CREATE, ['http']);
  const good = await world.changePorts('vm', PortAction.CREATE, ['https']);
  await world.driver.settle(vmId, { applied: true, revision: 2n });
  await world.ended(first);
  assert.deepEqual((await world.driver.change(vmId, 3n)).operationIds, [bad.id, good.id]);

  await world.driver.settle(vmId, { applied: false, revision: 3n });
  assert.deepEqual((await world.driver.change(vmId, 4n)).operationIds, [bad.id]);
  assert.deepEqual(await statesOf(world, [bad, good]), [RUNNING, PENDING]);
  await world.driver.settle(vmId, { applied: false, revision: 4n, message: 'not that one' });
  assert.equal((await world.ended(bad)).error?.message, 'not that one');

  const alone = await world.driver.change(vmId, 5n);
  assert.deepEqual(alone.operationIds, [good.id]);
  assert.deepEqual(
    alone.desired?.rules.map(({ number }) => number),
    [10_000, 10_002],
  );
  await world.driver.settle(vmId, { applied: true, revision: 5n });
  assert.deepEqual(enabledOf(await world.ended(good)), { ssh: true, https: true });
  const slots = await world.query<{ slot: string }>("SELECT slot FROM allocations WHERE slot <> '' ORDER BY slot");
  assert.deepEqual(
    slots.map(({ slot }) => slot),
    ['https', 'ssh'],
  );
});

test('a change that cannot go along with those before it waits for what becomes of them', async (t) => {
  const world = await makeWorld(t);
  const { vmId } = await world.provisioned({ vmName: 'vm', forwards: [{ name: 'ssh' }, { name: 'http' }] });
  const running = await world.changePorts('vm', PortAction.DISABLE, ['http']);
  const deletion = await world.changePorts('vm', PortAction.DELETE, ['ssh']);
  const enabling = await world.changePorts('vm', PortAction.ENABLE, ['ssh']);
  const creation = await world.changePorts('vm', PortAction.CREATE, ['ssh']);
  await world.driver.settle(vmId, { applied: true, revision: 2n });
  await world.ended(running);
  // Were the deletion refused, ssh would be there to be enabled.
  assert.deepEqual((await world.driver.change(vmId, 3n)).operationIds, [deletion.id]);
  await world.driver.settle(vmId, { applied: true, revision: 3n });
  const failed = await world.ended(enabling);
  assert.deepEqual([failed.state, failed.error?.code], [FAILED, 'PORT_NOT_FOUND']);
  assert.deepEqual((await world.driver.change(vmId, 4n)).operationIds, [creation.id]);
  await world.driver.settle(vmId, { applied: true, revision: 4n });
  assert.deepEqual(enabledOf(await world.ended(creation)), { http: false, ssh: true });
});

test('what waits that has nothing to do any more ends without the router', async (t) => {
  const world = await makeWorld(t);
  const { vmId } = await world.provisioned({ vmName: 'vm' });
  const disabling = await world.changePorts('vm', PortAction.DISABLE, ['ssh']);
  const repeat = await world.changePorts('vm', PortAction.PAUSE, ['ssh']);
  await world.driver.settle(vmId, { applied: true, revision: 2n });
  assert.equal((await world.ended(disabling)).state, SUCCEEDED);
  assert.deepEqual(enabledOf(await world.ended(repeat)), { ssh: false, http: true, https: true });
  assert.equal(world.driver.newest(vmId)?.revision?.number, 2n);
});

test('a removal behind a failed provision has what it wanted; a change of ports has not', async (t) => {
  const world = await makeWorld(t);
  const provision = await world.provision({ vmName: 'vm' });
  const change = await world.changePorts('vm', PortAction.PAUSE);
  const removal = await world.decommission('vm');
  await world.driver.settle(provision.vmId, { applied: false });
  assert.equal((await world.ended(provision)).state, FAILED);
  assert.deepEqual(
    [(await world.ended(change)).error?.code, (await world.ended(removal)).state],
    ['VM_NOT_FOUND', SUCCEEDED],
  );
  await assert.rejects(world.decommission('vm'), { kind: 'not_found' });
});

test('what waits behind a removal that succeeds fails; behind one that is refused it goes on', async (t) => {
  const world = await makeWorld(t);
  const { vmId } = await world.provisioned({ vmName: 'vm' });
  const refused = await world.decommission('vm');
  const second = await world.decommission('vm');
  const third = await world.decommission(vmId);
  await world.driver.settle(vmId, { applied: false, revision: 2n });
  assert.equal((await world.ended(refused)).state, FAILED);
  await world.driver.settle(vmId, {
    applied: true,
    revision: (await world.driver.change(vmId, 3n)).revision?.number ?? 0n,
  });
  assert.equal((await world.ended(second)).state, SUCCEEDED);
  assert.equal((await world.ended(third)).error?.kind, 'not_found');
});

test('operations that name one VM in two ways and arrive together keep to one revision at a time', async (t) => {
  const world = await makeWorld(t, { replicas: 2 });
  const { vmId } = await world.provisioned({ vmName: 'vm', noForwards: true });
  const names = ['ssh', 'http', 'https', 'ssh', 'http', 'https'];
  const changes = await Promise.all(
    names.map((name, index) => world.changePorts(index % 2 ? vmId.toUpperCase() : 'VM', PortAction.CREATE, [name])),
  );
  const states = changes.map(({ state }) => state);
  assert.equal(states.filter((state) => state === RUNNING).length, 1);
  for (let open = true; open; ) {
    const newest = (await world.driver.change(vmId, 2n)).revision?.number ?? 0n;
    await world.driver.settle(vmId, { applied: true, revision: newest });
    open = (await statesOf(world, changes)).some((state) => state === RUNNING || state === PENDING);
  }
  assert.deepEqual(
    await statesOf(world, changes),
    names.map(() => SUCCEEDED),
  );
  assert.deepEqual((await world.vm('vm')).forwards.map(({ name }) => name).sort(), ['http', 'https', 'ssh']);
});

test('of operations that name one VM by name and by id in one transaction, each reaches the router', async (t) => {
  const world = await makeWorld(t);
  const { vmId } = await world.provisioned({ vmName: 'vm' });
  await world.provisioned({ vmName: 'other' });
  const letGo = await world.holdRouters();
  const before = world.changePorts('other', PortAction.DISABLE, ['ssh']);
  await world.vm('vm'); // whoever answers this has queued what came before it
  const byName = world.changePorts('vm', PortAction.DISABLE, ['ssh']);
  const byId = world.changePorts(vmId, PortAction.DISABLE, ['http']);
  await world.vm('vm');
  await letGo();
  await before;
  const [first, second] = await Promise.all([byName, byId]);
  assert.deepEqual(await statesOf(world, [first, second]), [RUNNING, PENDING]);
  await world.driver.change(vmId, 2n);
  await world.driver.settle(vmId, { applied: true, revision: 2n });
  assert.deepEqual((await world.driver.change(vmId, 3n)).operationIds, [second.id]);
  await world.driver.settle(vmId, { applied: true, revision: 3n });
  assert.deepEqual(enabledOf(await world.ended(second)), { ssh: false, http: false, https: true });
});

test('a forward that is made and removed in one revision leaves no port behind', async (t) => {
  const world = await makeWorld(t);
  const db = { name: 'db', internalPort: 5432, externalPort: 32_500 };
  const { vmId } = await world.provisioned({ vmName: 'vm', forwards: [{ name: 'http' }, db] });
  const gone = await world.changePorts('vm', PortAction.DELETE, ['db']);
  await world.changePorts('vm', PortAction.CREATE, ['db']);
  const deletion = await world.changePorts('vm', PortAction.DELETE, ['db']);
  await world.driver.settle(vmId, { applied: true, revision: 2n });
  await world.ended(gone);
  await world.driver.change(vmId, 3n);
  await world.driver.settle(vmId, { applied: true, revision: 3n });
  await world.ended(deletion);
  assert.deepEqual(await world.query("SELECT FROM allocations WHERE slot = 'db' AND kind = 'vm'"), []);
  await world.changePorts('vm', PortAction.CREATE, ['db']);
});

test('a forward that is made, removed and made again holds one port', async (t) => {
  const world = await makeWorld(t);
  const { vmId } = await world.provisioned({ vmName: 'vm', forwards: [{ name: 'http' }] });
  const running = await world.changePorts('vm', PortAction.DISABLE, ['http']);
  const creation = await world.changePorts('vm', PortAction.CREATE, ['ssh']);
  const deletion = await world.changePorts('vm', PortAction.DELETE, ['ssh']);
  const again = await world.changePorts('vm', PortAction.CREATE, ['ssh']);
  await world.driver.settle(vmId, { applied: true, revision: 2n });
  await world.ended(running);
  assert.deepEqual((await world.driver.change(vmId, 3n)).operationIds, [creation.id, deletion.id]);
  await world.driver.settle(vmId, { applied: true, revision: 3n });
  assert.deepEqual((await world.driver.change(vmId, 4n)).operationIds, [again.id]);
  await world.driver.settle(vmId, { applied: true, revision: 4n });
  assert.deepEqual(enabledOf(await world.ended(again)), { http: false, ssh: true });
  const held = await world.query<{ kind: string }>("SELECT kind FROM allocations WHERE slot = 'ssh'");
  assert.deepEqual(
    held.map(({ kind }) => kind),
    ['vm'],
  );
});
