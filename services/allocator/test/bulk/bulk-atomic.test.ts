import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { BulkMode, OperationState, VmService } from '@berth/contracts';
import { request } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { BulkSide, provisionItem, removalItem, settleAll } from '../support/bulk-world.ts';
import { aPrincipal, makeWorld, type World } from '../support/world.ts';

const pools = {
  addressRange: { first: 0x0a_00_00_64, last: 0x0a_00_00_64 + 63 },
  portRange: { first: 32_000, last: 32_191 },
  ruleRange: { first: 10_000, last: 10_191 },
};

async function atomicWorld(t: TestContext, quarantineMs = 0) {
  const world = await makeWorld(t, { replicas: 2, config: { pools, quarantineMs } });
  return { world, bulks: new BulkSide(world) };
}

const items = (count: number) => Array.from({ length: count }, (_, index) => provisionItem(`vm-${index}`));

/** Free spans and allocations together name every number of the pools exactly once, and VMs hold what they should. */
async function assertBooksBalance(world: World, holders: number): Promise<void> {
  const wrong = await world.query(
    `SELECT g.id, n FROM segments g JOIN segment_ranges r ON r.segment_id = g.id, generate_series(lower(r.span), upper(r.span) - 1) n
     WHERE g.pool_id IS NOT NULL AND (SELECT count(*) FROM free_spans f WHERE f.segment_id = g.id AND n BETWEEN f.first AND f.last)
         + (SELECT count(*) FROM allocations a WHERE a.space_id = g.space_id AND a.held @> n) <> 1 LIMIT 5`,
  );
  assert.deepEqual(wrong, []);
  const [held] = await world.query(
    `SELECT (SELECT count(DISTINCT vm_id)::int FROM allocations WHERE kind = 'vm') AS holders,
       (SELECT count(*)::int FROM claims WHERE vm_id IS NOT NULL) AS claims,
       (SELECT count(*)::int FROM vms WHERE state IN ('provisioning', 'active', 'removing')) AS vms`,
  );
  assert.deepEqual(held, { holders, claims: 3 * holders, vms: holders });
}

test('an atomic bulk whose items can all be had is like any other', async (t) => {
  const { world, bulks } = await atomicWorld(t);
  t.after(settleAll(world));
  const bulk = await bulks.ended(await bulks.ask(items(40), BulkMode.ATOMIC));
  assert.deepEqual([bulk.state, bulk.succeeded, bulk.failed], [OperationState.SUCCEEDED, 40, 0]);
  await assertBooksBalance(world, 40);
});

test('of an atomic bulk nothing is had when one item cannot be: its values, names and operations are as before', async (t) => {
  const { world, bulks } = await atomicWorld(t);
  const before = await world.provision({ vmName: 'before' });
  const full = await bulks.ask(items(64), BulkMode.ATOMIC);
  const bulk = await bulks.ended(full);
  assert.deepEqual([bulk.state, bulk.succeeded, bulk.failed], [OperationState.FAILED, 0, 64]);
  assert.equal(bulk.error?.code, 'ADDRESS_POOL_EXHAUSTED');
  assert.match(bulk.error?.message ?? '', /^Item 63: /);
  const codes = await bulks.codes(full);
  assert.deepEqual([codes[63], ...new Set(codes.slice(0, 63))], ['ADDRESS_POOL_EXHAUSTED', 'BULK_ABORTED']);

  const twice = await bulks.ask([...items(3), provisionItem('VM-1')], BulkMode.ATOMIC);
  assert.equal((await bulks.ended(twice)).error?.code, 'VM_NAME_TAKEN');
  const wrong = {
    item: { case: 'refused', value: { kind: 'invalid', code: 'INVALID_REQUEST', message: 'Wrong.' } },
  } as const;
  assert.equal(
    (await bulks.ended(await bulks.ask([...items(2), wrong], BulkMode.ATOMIC))).error?.code,
    'INVALID_REQUEST',
  );

  assert.deepEqual(await world.query('SELECT id FROM operations'), [{ id: before.id }]);
  assert.equal(new Set(world.driver.changes.map(({ resourceId }) => resourceId)).size, 1);
  await assertBooksBalance(world, 1);
});

/** Has `statement` run in every transaction that takes more values than all chunks of single commands do here. */
async function whenManyAreTaken(world: World, statement: string): Promise<void> {
  await world.query(
    `CREATE FUNCTION note_many() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       IF (SELECT count(*) FROM taken) > 200 THEN ${statement}; END IF; RETURN NULL; END $$`,
  );
  await world.query(
    `CREATE TRIGGER note_many AFTER INSERT ON allocations REFERENCING NEW TABLE AS taken FOR EACH STATEMENT EXECUTE FUNCTION note_many()`,
  );
}

const roomy = {
  ...pools,
  addressRange: { first: 0x0a_00_00_64, last: 0x0a_00_00_64 + 999 },
  ruleRange: { first: 10_000, last: 19_999 },
};
const many = () => Array.from({ length: 250 }, (_, index) => provisionItem(`vm-${index}`, { noForwards: true }));

test('a large atomic bulk may compute for longer between its statements than others', async (t) => {
  const world = await makeWorld(t, { config: { pools: roomy } });
  const bulks = new BulkSide(world);
  t.after(settleAll(world));
  await world.query('CREATE TABLE limits (idle text)');
  await whenManyAreTaken(world, "INSERT INTO limits VALUES (current_setting('idle_in_transaction_session_timeout'))");
  const bulk = await bulks.ended(await bulks.ask(many(), BulkMode.ATOMIC));
  assert.equal(bulk.succeeded, 250);
  assert.deepEqual(await world.query('SELECT idle FROM limits'), [{ idle: '1min' }]);
});

test('an atomic bulk whose transaction is broken off again and again is given up, and others get in between', async (t) => {
  const world = await makeWorld(t, { config: { pools: roomy } });
  const bulks = new BulkSide(world);
  await world.query('CREATE SEQUENCE broken_off');
  await whenManyAreTaken(world, "PERFORM nextval('broken_off'); RAISE 'idle for too long' USING ERRCODE = '25P03'");
  const brokenOff = async () =>
    (await world.query<{ count: number }>('SELECT last_value::int AS count FROM broken_off WHERE is_called'))[0]
      ?.count ?? 0;
  const id = await bulks.ask(many(), BulkMode.ATOMIC);
  for (const attempt of [1, 2, 3]) {
    await eventually(async () => (await brokenOff()) === attempt, { what: `attempt ${attempt}` });
    await world.provision({ vmName: `between-${attempt}`, noForwards: true });
    await world.query("UPDATE bulks SET leased_until = '-infinity'"); // two minutes later
  }
  const bulk = await bulks.ended(id);
  assert.deepEqual([bulk.state, bulk.succeeded, bulk.failed], [OperationState.FAILED, 0, 250]);
  assert.deepEqual([bulk.error?.kind, bulk.error?.code], ['unavailable', 'BULK_GIVEN_UP']);
  assert.deepEqual(new Set(await bulks.codes(id)), new Set(['BULK_GIVEN_UP']));
  assert.equal(await brokenOff(), 3);
  await assertBooksBalance(world, 3);
});

test('removals cannot be atomic', async (t) => {
  const { bulks } = await atomicWorld(t);
  await assert.rejects(bulks.ask([provisionItem('a'), removalItem('b')], BulkMode.ATOMIC), { code: 'BULK_NOT_ATOMIC' });
});

for (const late of [false, true]) {
  test(`when the router refuses one item, the others are taken back ${late ? 'although they were there already' : 'on their way'}`, async (t) => {
    const { world, bulks } = await atomicWorld(t);
    const id = await bulks.ask(items(30), BulkMode.ATOMIC);
    await eventually(() => world.driver.changes.length === 30);
    const refused = world.driver.changes.find(({ desired }) => desired?.mapping?.name === 'vm-7')?.resourceId ?? '';
    const others = world.driver.changes.map(({ resourceId }) => resourceId).filter((vmId) => vmId !== refused);
    if (late) {
      for (const vmId of others) await world.driver.settle(vmId, { applied: true, revision: 1n });
      await eventually(async () => (await bulks.get(id)).succeeded === 29);
    }
    await world.driver.settle(refused, { applied: false, message: 'no', revision: 1n });
    t.after(settleAll(world, ({ resourceId }) => resourceId !== refused));
    const bulk = await bulks.ended(id);
    assert.deepEqual([bulk.state, bulk.succeeded, bulk.failed], [OperationState.FAILED, 0, 30]);
    assert.deepEqual([bulk.error?.kind, bulk.error?.code, bulk.error?.message], ['rejected', 'ROUTER_REFUSED', 'no']);
    const codes = await bulks.codes(id);
    assert.equal(codes[7], 'ROUTER_REFUSED');
    assert.deepEqual(new Set(codes.toSpliced(7, 1)), new Set(['BULK_ABORTED']));
    await eventually(async () => (await world.query("SELECT FROM allocations WHERE kind = 'quarantine'")).length === 0);
    await assertBooksBalance(world, 0);
    for (const vmId of others) assert.equal(world.driver.newest(vmId)?.desired, undefined);
  });
}

test('several refusals, and VMs that somebody removed meanwhile, come to the same end', async (t) => {
  const { world, bulks } = await atomicWorld(t);
  const id = await bulks.ask(items(12), BulkMode.ATOMIC);
  await eventually(() => world.driver.changes.length === 12);
  const idOf = (name: string) =>
    world.driver.changes.find(({ desired }) => desired?.mapping?.name === name)?.resourceId ?? '';
  const refused = [idOf('vm-3'), idOf('vm-4')];
  await world.driver.settle(idOf('vm-0'), { applied: true });
  await eventually(async () => (await bulks.get(id)).succeeded === 1);
  const removal = await world.decommission('vm-0');
  await world.driver.change(removal.vmId, 2n);
  await world.driver.settle(removal.vmId, { applied: true, revision: 2n });
  await world.ended(removal);
  const waiting = await world.decommission('vm-1');
  t.after(settleAll(world, ({ resourceId, desired }) => desired === undefined || !refused.includes(resourceId)));
  const bulk = await bulks.ended(id);
  assert.deepEqual([bulk.state, bulk.succeeded, bulk.failed], [OperationState.FAILED, 0, 12]);
  await world.ended(waiting);
  await assertBooksBalance(world, 0);
});

test('an item that fails while the others are taken back keeps its own error', async (t) => {
  const { world, bulks } = await atomicWorld(t);
  const id = await bulks.ask(items(3), BulkMode.ATOMIC);
  await eventually(() => world.driver.changes.length === 3);
  const vmIds = ['vm-0', 'vm-1', 'vm-2'].map(
    (name) => world.driver.changes.find(({ desired }) => desired?.mapping?.name === name)?.resourceId ?? '',
  );
  await eventually(async () => {
    const free = await world.query('SELECT FROM bulks WHERE leased_until <= clock_timestamp()');
    return free.length === 1;
  });
  await world.query("UPDATE bulks SET leased_until = 'infinity'"); // nobody takes back yet
  await world.driver.settle(vmIds[0] ?? '', { applied: false, message: 'first' });
  await eventually(async () => (await bulks.get(id)).failed === 1);
  const waitingForLocks = async (count: number) => {
    const waiting = await world.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return waiting.length >= count;
  };
  await world.database.transaction(async (sql) => {
    await sql.query('SELECT FROM routers FOR UPDATE');
    await world.driver.settle(vmIds[1] ?? '', { applied: false, message: 'second' });
    await eventually(() => waitingForLocks(1), { what: 'the verdict to wait for the lock' });
    await world.query("UPDATE bulks SET leased_until = '-infinity'");
    await eventually(() => waitingForLocks(2), { what: 'the taking back to wait behind it' });
  });
  t.after(settleAll(world, ({ resourceId }) => resourceId === vmIds[2]));
  assert.equal((await bulks.ended(id)).error?.message, 'first');
  assert.deepEqual(await bulks.codes(id), ['ROUTER_REFUSED', 'ROUTER_REFUSED', 'BULK_ABORTED']);
  await assertBooksBalance(world, 0);
});

test('a VM that the router will not let go of again is said to be there still', async (t) => {
  const { world, bulks } = await atomicWorld(t);
  const id = await bulks.ask(items(2), BulkMode.ATOMIC);
  await eventually(() => world.driver.changes.length === 2);
  const [refused, stays] = ['vm-0', 'vm-1'].map(
    (name) => world.driver.changes.find(({ desired }) => desired?.mapping?.name === name)?.resourceId ?? '',
  );
  await world.driver.settle(refused ?? '', { applied: false });
  await world.driver.settle(stays ?? '', { applied: true, revision: 1n });
  await world.driver.change(stays ?? '', 2n);
  await world.driver.settle(stays ?? '', { applied: false, message: 'busy', revision: 2n });
  assert.equal((await bulks.ended(id)).state, OperationState.FAILED);
  assert.deepEqual(await bulks.codes(id), ['ROUTER_REFUSED', 'BULK_NOT_UNDONE']);
  assert.deepEqual(await world.list(10), [['vm-1']]);
  await assertBooksBalance(world, 1);
});

test('what a stopped replica had begun to take back, another takes back', async (t) => {
  const { world, bulks } = await atomicWorld(t);
  const id = await bulks.ask(items(5), BulkMode.ATOMIC);
  await eventually(() => world.driver.changes.length === 5);
  // As a replica that died leaves it: its lease runs, and the failure is counted.
  await world.query("UPDATE bulks SET leased_until = clock_timestamp() + interval '2 s'");
  t.after(settleAll(world, ({ desired }) => desired?.mapping?.name !== 'vm-2'));
  assert.equal((await bulks.ended(id)).state, OperationState.FAILED);
  await assertBooksBalance(world, 0);
});

test('a page of results is never larger than the bus carries', async (t) => {
  const { world, bulks } = await atomicWorld(t);
  t.after(settleAll(world));
  const metadata = { text: 'x'.repeat(30_000) };
  const large = Array.from({ length: 60 }, (_, index) => provisionItem(`vm-${index}`, { metadata }));
  const id = await bulks.ask(large, BulkMode.BEST_EFFORT, 20);
  await bulks.ended(id);
  const message = { principal: aPrincipal(), bulkId: id };
  const page = await request(world.bus, VmService.method.listBulkItems, message, { timeoutMs: 20_000 });
  assert.ok(page.more && page.results.length > 10, `${page.results.length} results`);
  assert.deepEqual(
    (await bulks.results(id)).map(({ index }) => index),
    Array.from({ length: 60 }, (_, index) => index),
  );
});
