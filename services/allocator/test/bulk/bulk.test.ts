import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import {
  BulkMode,
  type OperationEnded,
  OperationEndedSchema,
  OperationKind,
  OperationState,
  subjects,
} from '@berth/contracts';
import { listen } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { dropOldBulks } from '../../src/adapters/postgres/bulk/bulk-store.ts';
import { BulkSide, provisionItem, removalItem, settleAll } from '../support/bulk-world.ts';
import { aPrincipal, makeWorld, type WorldOptions } from '../support/world.ts';

async function bulkWorld(t: TestContext, options: WorldOptions & { settles?: boolean } = {}) {
  const world = await makeWorld(t, options);
  if (options.settles ?? true) t.after(settleAll(world));
  return { world, bulks: new BulkSide(world) };
}

const vmNames = (count: number) => Array.from({ length: count }, (_, index) => `vm-${index}`);

test('a bulk does all of its items in their order, and tells its end', async (t) => {
  const { world, bulks } = await bulkWorld(t);
  const heard: OperationEnded[] = [];
  t.after(listen(world.bus, subjects.anyOperationEnded, OperationEndedSchema, (event) => void heard.push(event)));
  const id = await bulks.ask(vmNames(250).map((name) => provisionItem(name)));
  const bulk = await bulks.ended(id);
  assert.deepEqual(
    [bulk.state, bulk.items, bulk.succeeded, bulk.failed, bulk.error],
    [OperationState.SUCCEEDED, 250, 250, 0, undefined],
  );
  const results = await bulks.results(id, 70);
  assert.deepEqual(
    results.map(({ index, machineId }) => [index, machineId]),
    vmNames(250).map((name, index) => [index, name]),
  );
  for (const { operation, machineId } of results) {
    assert.deepEqual([operation?.vm?.name, operation?.bulkId], [machineId, id]);
  }
  const addresses = new Set(results.map(({ operation }) => operation?.vm?.internalIp));
  assert.equal(addresses.size, 250);
  const end = await eventually(() => heard.find(({ operation }) => operation?.id === id));
  assert.deepEqual([end.operation?.kind, end.operation?.state], [OperationKind.BULK, OperationState.SUCCEEDED]);
  assert.equal((await world.operation(id)).kind, OperationKind.BULK);
});

test('items that cannot be had are refused by themselves, also those that are wrong or ask for what an earlier one has', async (t) => {
  const { world, bulks } = await bulkWorld(t);
  await world.provisioned({ vmName: 'taken' });
  const id = await bulks.ask([
    provisionItem('a'),
    provisionItem('taken'),
    provisionItem('A', { hostname: 'other' }),
    { item: { case: 'refused', value: { kind: 'invalid', code: 'INVALID_REQUEST', message: 'Wrong.' } } },
    provisionItem('bad_name'),
    provisionItem('b', { router: 'nowhere' }),
    provisionItem('c', { ownerGroup: 'others' }),
    provisionItem('d'),
  ]);
  const bulk = await bulks.ended(id);
  assert.deepEqual(await bulks.codes(id), [
    '',
    'VM_NAME_TAKEN',
    'VM_NAME_TAKEN',
    'INVALID_REQUEST',
    'INVALID_REQUEST',
    'UNKNOWN_ROUTER',
    '',
    '',
  ]);
  assert.deepEqual([bulk.state, bulk.succeeded, bulk.failed], [OperationState.FAILED, 3, 5]);
  assert.equal(bulk.error?.code, 'BULK_ITEMS_FAILED');
  assert.deepEqual(await world.list(100), [['a', 'c', 'd', 'taken']]);
});

test('a bulk of removals removes what is there', async (t) => {
  const { world, bulks } = await bulkWorld(t);
  await bulks.ended(await bulks.ask(vmNames(20).map((name) => provisionItem(name))));
  const [first] = (await world.list(1))[0] ?? [];
  assert.equal(first, 'vm-0');
  const id = await bulks.ask([...vmNames(20), 'nobody', 'vm-3'].map(removalItem));
  const bulk = await bulks.ended(id);
  assert.deepEqual([bulk.succeeded, bulk.failed], [20, 2]);
  assert.deepEqual((await bulks.codes(id)).slice(19), ['', 'VM_NOT_FOUND', 'VM_NOT_FOUND']);
  assert.deepEqual(await world.list(10), [[]]);
});

test('provisions and removals of the same VM are done in their order', async (t) => {
  const { world, bulks } = await bulkWorld(t, { settles: false });
  const id = await bulks.ask([
    ...[removalItem('Early'), provisionItem('early')],
    ...[provisionItem('late'), removalItem('late'), provisionItem('late', { hostname: 'other' })],
  ]);
  await eventually(() => world.driver.changes.length >= 2);
  t.after(settleAll(world));
  await bulks.ended(id);
  assert.deepEqual(await bulks.codes(id), ['VM_NOT_FOUND', '', '', '', 'VM_NAME_TAKEN']);
  assert.deepEqual(await world.list(10), [['early']]);
});

test('a refusal of the router fails the item that it is about alone', async (t) => {
  const { world, bulks } = await bulkWorld(t, { settles: false });
  t.after(settleAll(world, (change) => change.desired?.mapping?.name !== 'vm-1'));
  const id = await bulks.ask(vmNames(3).map((name) => provisionItem(name)));
  const bulk = await bulks.ended(id);
  assert.deepEqual([bulk.state, bulk.succeeded, bulk.failed], [OperationState.FAILED, 2, 1]);
  assert.deepEqual(await bulks.codes(id), ['', 'ROUTER_REFUSED', '']);
});

test('callers see their own bulks; others’ ids are nobody’s', async (t) => {
  const { bulks } = await bulkWorld(t);
  const id = randomUUID();
  const other = aPrincipal({ id: 'key-2', group: 'team' });
  await bulks.stage(id, 0, [provisionItem('a')]);
  await assert.rejects(bulks.stage(id, 1, [provisionItem('b')], { principal: other }), { code: 'BULK_NOT_FOUND' });
  await assert.rejects(bulks.start(id, 1, BulkMode.ATOMIC, { principal: other }), { code: 'BULK_NOT_FOUND' });
  await assert.rejects(bulks.get(id), { code: 'BULK_NOT_FOUND' }); // not started
  await bulks.start(id, 1, BulkMode.ATOMIC);
  await assert.rejects(bulks.get(id, other), { code: 'BULK_NOT_FOUND' });
  assert.equal((await bulks.get(id)).mode, BulkMode.ATOMIC);
  const reader = aPrincipal({ permissions: ['vms:read'] });
  await assert.rejects(bulks.start(randomUUID(), 1, BulkMode.ATOMIC, { principal: reader }), {
    code: 'PERMISSION_DENIED',
  });
});

test('a bulk starts once, complete and in time; repeats mean the same', async (t) => {
  const { world, bulks } = await bulkWorld(t, { replicas: 2 });
  const id = randomUUID();
  const start = (count: number, context = {}) => bulks.start(id, count, BulkMode.BEST_EFFORT, context);
  await bulks.stage(id, 2, [provisionItem('c')]);
  await assert.rejects(start(3), { code: 'BULK_INCOMPLETE' });
  await bulks.stage(id, 0, [provisionItem('a'), provisionItem('b')]);
  await bulks.stage(id, 0, [provisionItem('other'), provisionItem('b')]);
  await assert.rejects(start(2), { code: 'BULK_INCOMPLETE' });
  await assert.rejects(start(0), { code: 'INVALID_REQUEST' });
  await assert.rejects(start(10_001), { code: 'INVALID_REQUEST' });
  await assert.rejects(bulks.start(id, 2_001, BulkMode.ATOMIC), { code: 'INVALID_REQUEST' });
  await assert.rejects(start(3, { deadline: timestampFromMs(Date.now() - 1_000) }), { code: 'DEADLINE_PASSED' });
  await Promise.all(Array.from({ length: 8 }, () => start(3)));
  await assert.rejects(start(4), { code: 'OPERATION_ID_TAKEN' });
  await bulks.ended(id);
  await start(3);
  await bulks.stage(id, 3, [provisionItem('late')]);
  assert.deepEqual(await world.list(10), [['a', 'b', 'c']]);
  assert.equal((await bulks.results(id)).length, 3);
  await assert.rejects(bulks.stage(randomUUID(), 9_999, [provisionItem('a'), provisionItem('b')]), {
    code: 'INVALID_REQUEST',
  });
});

test('a key means the bulk that it started first; its repeat leaves nothing staged', async (t) => {
  const { world, bulks } = await bulkWorld(t, { replicas: 2, settles: false });
  const keyed = (body: string) => ({
    idempotency: { scope: 'key-1 POST /v1/vms/bulk-provision', key: 'k', fingerprint: Buffer.from(body) },
  });
  const askAgain = async (body: string) => {
    const id = randomUUID();
    await bulks.stage(id, 0, [provisionItem('a')]);
    return bulks.start(id, 1, BulkMode.BEST_EFFORT, keyed(body));
  };
  const started = await Promise.allSettled(Array.from({ length: 6 }, () => askAgain('one')));
  const accepted = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value.bulk?.id] : []));
  assert.equal(accepted.length, 1);
  const [id = ''] = accepted;
  await assert.rejects(askAgain('one'), { code: 'IDEMPOTENCY_KEY_RUNNING', details: { operationId: id } });
  await assert.rejects(askAgain('two'), { code: 'IDEMPOTENCY_KEY_REUSED' });
  t.after(settleAll(world));
  await bulks.ended(id);
  await world.query("DELETE FROM bulks WHERE state = 'staged'");
  const replay = await askAgain('one');
  assert.deepEqual([replay.replayed, replay.bulk?.id], [true, id]);
  assert.deepEqual(await world.query('SELECT id FROM bulks'), [{ id }]);
  assert.deepEqual(await world.list(10), [['a']]);
});

test('a key of a bulk is not one for a single command, nor the other way round', async (t) => {
  const { world, bulks } = await bulkWorld(t);
  const keyed = (key: string) => ({ idempotency: { scope: 'key-1', key, fingerprint: Buffer.from('one') } });
  const startWith = async (key: string) => {
    const id = randomUUID();
    await bulks.stage(id, 0, [provisionItem('a')]);
    await bulks.start(id, 1, BulkMode.BEST_EFFORT, keyed(key));
  };
  const reused = { kind: 'unprocessable', code: 'IDEMPOTENCY_KEY_REUSED' };
  await startWith('of a bulk');
  await assert.rejects(world.provision({ vmName: 'b' }, keyed('of a bulk')), reused);
  await world.provision({ vmName: 'c' }, keyed('of a single'));
  await assert.rejects(startWith('of a single'), reused);
});

test('a replica that stops in the middle leaves the rest to another, and nothing is done twice', async (t) => {
  const { world, bulks } = await bulkWorld(t, { replicas: 0, routerKnown: false });
  const first = await world.startReplica();
  await world.driver.report({});
  await world.routerReady();
  const id = await bulks.ask(vmNames(1_000).map((name) => provisionItem(name, { noForwards: true })));
  const done = async () => (await world.query<{ next_index: number }>('SELECT next_index FROM bulks'))[0]?.next_index;
  await eventually(async () => ((await done()) ?? 0) >= 100, { everyMs: 1 });
  await first.stop();
  const left = await done();
  assert.ok(left !== undefined && left < 1_000, `${left} were done`);
  // As if it had died within a chunk: nobody gave back its lease.
  await world.query("UPDATE bulks SET leased_until = clock_timestamp() + interval '1 s'");
  await world.startReplica();
  await world.startReplica();
  const bulk = await bulks.ended(id, 60_000);
  assert.deepEqual([bulk.succeeded, bulk.failed], [1_000, 0]);
  assert.deepEqual(await world.query('SELECT count(*)::int AS operations FROM operations'), [{ operations: 1_000 }]);
});

test('a chunk that two replicas take counts once', async (t) => {
  const { world, bulks } = await bulkWorld(t, { replicas: 3 });
  let expiring = true;
  const neverLeased = (async () => {
    while (expiring) await world.query("UPDATE bulks SET leased_until = '-infinity'");
  })();
  const items = vmNames(300).map((name, index) => provisionItem(index % 10 === 0 ? 'bad_name' : name));
  const bulk = await bulks.ended(await bulks.ask(items), 60_000);
  expiring = false;
  await neverLeased;
  assert.deepEqual([bulk.succeeded, bulk.failed], [270, 30]);
});

test('what was staged and never started is dropped, and what ended long ago', async (t) => {
  const { world, bulks } = await bulkWorld(t);
  const staged = randomUUID();
  await bulks.stage(staged, 0, [provisionItem('never')]);
  const old = await bulks.ask([provisionItem('a')]);
  const young = await bulks.ask([provisionItem('b')]);
  await Promise.all([old, young].map((id) => bulks.ended(id)));
  assert.equal(await dropOldBulks(world.database), 0);
  await world.query("UPDATE bulks SET updated_at = now() - interval '61 minutes' WHERE id <> $1", [old]);
  await world.query("UPDATE bulks SET updated_at = now() - interval '169 hours' WHERE id = $1", [old]);
  assert.equal(await dropOldBulks(world.database), 2);
  assert.deepEqual(await world.query('SELECT bulk_id FROM bulk_items'), [{ bulk_id: young }]);
});
