import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OperationState, PortAction, VmService, WithdrawalOutcome } from '@berth/contracts';
import { request } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { BulkSide, provisionItem, removalItem } from '../support/bulk-world.ts';
import { aPrincipal, makeWorld, type World } from '../support/world.ts';

const { CANCELLED, PENDING, RUNNING, SUCCEEDED } = OperationState;

const held = (world: World) => world.query("SELECT * FROM allocations WHERE kind IN ('vm', 'quarantine')");
const withCode = (code: string) => (error: unknown) => (error as { code?: string }).code === code;

test('a provision that the driver takes back is cancelled, and leaves nothing behind, not even in quarantine', async (t) => {
  const world = await makeWorld(t);
  const operation = await world.provision({ vmName: 'vm' });
  const cancelled = await world.cancel(operation);
  assert.equal(cancelled.state, CANCELLED);
  assert.deepEqual(await held(world), []);
  assert.equal((await world.cancel(operation)).state, CANCELLED, 'a repeat');
  // The verdict itself comes later, and changes nothing.
  await world.driver.settle(operation.vmId, { applied: false, withdrawn: true });
  const again = await world.provision({ vmName: 'vm' });
  assert.equal(again.state, RUNNING, 'its name is free');
});

test('what a commit has begun with goes on, whoever asked to cancel it', async (t) => {
  const world = await makeWorld(t);
  const operation = await world.provision({ vmName: 'vm' });
  world.driver.withdrawal = WithdrawalOutcome.UNDER_WAY;
  await assert.rejects(world.cancel(operation), withCode('OPERATION_UNDER_WAY'));
  assert.equal((await world.operation(operation.id)).cancelling, false);
  await world.driver.settle(operation.vmId, { applied: true });
  assert.equal((await world.ended(operation)).state, SUCCEEDED);
  await assert.rejects(world.cancel(operation), withCode('OPERATION_ENDED'));
});

test('an operation that waits behind another is cancelled without asking anybody', async (t) => {
  const world = await makeWorld(t);
  const provision = await world.provision({ vmName: 'vm' });
  const rename = await world.updateVm('vm', { vmName: 'other' });
  assert.equal((await world.operation(rename.id)).waitingBehind, 1);
  assert.equal((await world.cancel(rename)).state, CANCELLED);
  assert.deepEqual(world.driver.withdrawn, []);
  const taken = await world.provision({ vmName: 'other' });
  assert.equal(taken.state, RUNNING, 'the name that it wanted is free');
  await world.driver.settle(provision.vmId, { applied: true });
  assert.equal((await world.ended(provision)).vm?.name, 'vm');
});

test('of changes that share a revision one is cancelled; the others are sent again without it', async (t) => {
  const world = await makeWorld(t);
  const { vmId } = await world.provisioned({ vmName: 'vm', noForwards: true });
  const first = await world.changePorts('vm', PortAction.CREATE, ['ssh']);
  const cancelled = await world.changePorts('vm', PortAction.CREATE, ['http']);
  const kept = await world.changePorts('vm', PortAction.CREATE, ['https']);
  await world.driver.settle(vmId, { applied: true, revision: 2n });
  await world.ended(first);
  await world.driver.change(vmId, 3n);
  assert.equal((await world.cancel(cancelled)).state, CANCELLED);
  const again = await world.driver.change(vmId, 4n);
  assert.deepEqual(again.operationIds, [kept.id]);
  await world.driver.settle(vmId, { applied: true, revision: 4n });
  const { vm } = await world.ended(kept);
  assert.deepEqual(
    vm?.forwards.map(({ name }) => name),
    ['ssh', 'https'],
  );
});

test('a removal that is cancelled leaves the VM as it was', async (t) => {
  const world = await makeWorld(t);
  const { vmId } = await world.provisioned({ vmName: 'vm' });
  const removal = await world.decommission('vm');
  assert.equal((await world.cancel(removal)).state, CANCELLED);
  assert.equal((await world.vm('vm')).id, vmId);
  assert.equal((await world.changePorts('vm', PortAction.DISABLE, ['ssh'])).state, RUNNING);
});

test('a VM that is removed before anybody saw it: its provision is taken back and cancelled, its removal succeeds', async (t) => {
  const world = await makeWorld(t);
  const provision = await world.provision({ vmName: 'vm' });
  const removal = await world.decommission('vm');
  assert.equal(removal.state, PENDING);
  await eventually(() =>
    world.driver.changes.some(({ withdraws, resourceId }) => withdraws && resourceId === provision.vmId),
  );
  await world.driver.settle(provision.vmId, { applied: false, withdrawn: true, revision: 1n });
  assert.equal((await world.ended(provision)).state, CANCELLED);
  assert.equal((await world.ended(removal)).state, SUCCEEDED);
  assert.deepEqual(await held(world), []);
  assert.equal(
    world.driver.changes.some(({ revision }) => revision?.number === 2n),
    false,
    'nothing more was sent',
  );
});

test('a removal that is cancelled while its provision is being taken back: the VM is sent again', async (t) => {
  const world = await makeWorld(t);
  const provision = await world.provision({ vmName: 'vm' });
  const removal = await world.decommission('vm');
  assert.equal((await world.cancel(removal)).state, CANCELLED);
  await world.driver.settle(provision.vmId, { applied: false, withdrawn: true, revision: 1n });
  assert.notEqual((await world.driver.change(provision.vmId, 2n)).desired, undefined);
  await world.driver.settle(provision.vmId, { applied: true, revision: 2n });
  assert.equal((await world.ended(provision)).state, SUCCEEDED);
});

test('others cannot cancel what they do not see, nor those who may only read', async (t) => {
  const world = await makeWorld(t);
  const operation = await world.provision({ vmName: 'vm', ownerGroup: 'a' });
  const other = aPrincipal({ id: 'key-2', group: 'b' });
  await assert.rejects(world.cancel(operation, other), withCode('OPERATION_NOT_FOUND'));
  const reader = aPrincipal({ permissions: ['operations:read'] });
  await assert.rejects(world.cancel(operation, reader), withCode('PERMISSION_DENIED'));
});

test('operations are listed with the newest first, by state, kind, VM and time, page by page, each to those who may see it', async (t) => {
  const world = await makeWorld(t);
  const begun = Date.now();
  const one = await world.provisioned({ vmName: 'one', ownerGroup: 'a' });
  const two = await world.provision({ vmName: 'two', ownerGroup: 'b' });
  const disabling = await world.changePorts('one', PortAction.DISABLE, ['ssh']);
  const ids = async (message: object, principal = aPrincipal()) => {
    const answer = await request(
      world.bus,
      VmService.method.listOperations,
      { principal, ...message },
      { timeoutMs: 20_000 },
    );
    return answer.operations.map(({ id }) => id);
  };
  assert.deepEqual(await ids({}), [disabling.id, two.id, one.id]);
  assert.deepEqual(await ids({ filter: { states: [RUNNING] } }), [disabling.id, two.id]);
  assert.deepEqual(await ids({ filter: { kinds: [one.kind] } }), [two.id, one.id]);
  assert.deepEqual(await ids({ filter: { machineId: 'ONE' } }), [disabling.id, one.id]);
  assert.deepEqual(await ids({ filter: { machineId: two.vmId } }), [two.id]);
  const seconds = (moment: number) => ({ seconds: BigInt(Math.floor(moment / 1_000)), nanos: 0 });
  assert.deepEqual(await ids({ filter: { since: seconds(begun + 3_600_000) } }), []);
  assert.equal((await ids({ filter: { since: seconds(begun - 3_600_000) } })).length, 3);
  assert.deepEqual(await ids({}, aPrincipal({ id: 'key-2', group: 'b' })), [two.id]);

  const page = (pageToken: string) =>
    request(
      world.bus,
      VmService.method.listOperations,
      { principal: aPrincipal(), pageSize: 2, pageToken },
      { timeoutMs: 20_000 },
    );
  const first = await page('');
  assert.equal(first.operations.length, 2);
  const second = await page(first.nextPageToken);
  assert.deepEqual(
    second.operations.map(({ id }) => id),
    [one.id],
  );
  assert.equal(second.nextPageToken, '');
  await assert.rejects(page('abc'), withCode('PAGE_TOKEN_INVALID'));
});

test('of two who cancel a bulk at once, the one who finds nothing left to stop does not undo what the other did', async (t) => {
  const world = await makeWorld(t);
  const bulks = new BulkSide(world);
  const { vmId } = await world.provisioned({ vmName: 'old' });
  await world.changePorts('old', PortAction.DISABLE, ['ssh']); // the removal waits behind it
  const id = await bulks.ask([removalItem('old'), provisionItem('new')]);
  const change = await eventually(() => world.driver.changes.find(({ resourceId }) => resourceId !== vmId));
  await eventually(async () => (await bulks.results(id)).every(({ operation }) => operation), { what: 'both items' });
  world.driver.withdrawal = WithdrawalOutcome.UNDER_WAY;
  const letGo = await world.holdRouters();
  const cancelling = Promise.all([world.cancel({ id }), world.cancel({ id })]);
  await eventually(
    async () => {
      const waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
      return (await world.query(waiting)).length >= 2;
    },
    { what: 'both that wait for the router' },
  );
  await letGo();
  await cancelling;
  await world.driver.settle(change.resourceId, { applied: true });
  assert.equal((await bulks.ended(id)).state, CANCELLED);
});
