import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ConflictKind, type RouterChangeSettled, RouterChangeSettledSchema, streams } from '@berth/contracts';
import { openDatabase } from '@berth/database';
import { connectBus, listen, Outbox } from '@berth/messaging';
import { createLogger } from '@berth/service-kit';
import { eventually, freshDatabase, freshPrefix, testNats } from '@berth/testing';
import { PostgresRouterLedger } from '../../src/adapters/postgres/batches/postgres-router-ledger.ts';
import { PostgresChangeInbox } from '../../src/adapters/postgres/changes/postgres-change-inbox.ts';
import { migrations } from '../../src/adapters/postgres/migrations/index.ts';
import { PostgresLeaseStore } from '../../src/adapters/postgres/routers/postgres-lease-store.ts';
import { receiveChanges } from '../../src/app/changes/receive-changes.ts';
import { ChangesWithdrawn, LeaseLost } from '../../src/app/router-ledger.ts';
import { changeFor, fragmentFor } from '../support/changes.ts';
import { driverSchema } from '../support/driver-schema.ts';

async function emptyDriver(t: TestContext) {
  const { url } = await freshDatabase(t, driverSchema);
  const log = createLogger('test', 'fatal');
  const database = await openDatabase({ url, schema: 'vyos_driver', migrations, applicationName: 'test' });
  t.after(() => database.close());
  await database.migrate();
  const bus = await connectBus({ url: (await testNats()).url, prefix: freshPrefix(t), name: 'test', log });
  t.after(() => bus.drain());
  const outbox = new Outbox({ database, bus, streams: [streams.routerEvents, streams.events] });
  await outbox.start();
  t.after(() => outbox.stop());
  await database.execute(`INSERT INTO routers (name) VALUES ('default')`);
  const told: RouterChangeSettled[] = [];
  t.after(listen(bus, 'router-events.settled.>', RouterChangeSettledSchema, (message) => void told.push(message)));
  const inbox = new PostgresChangeInbox(outbox);
  const woken: string[] = [];
  const receive = (...changes: Parameters<typeof receiveChanges>[1]) =>
    receiveChanges({ inbox, wake: (router) => void woken.push(router) }, changes);
  const leases = new PostgresLeaseStore(database);
  const ledgerOf = (epoch: bigint) => new PostgresRouterLedger({ database, outbox }, 'default', epoch);
  return { database, told, woken, inbox, receive, leases, ledgerOf };
}

const held = async (driver: Awaited<ReturnType<typeof emptyDriver>>) => {
  const epoch = await driver.leases.acquire('default', 'me', 60_000);
  assert.ok(epoch !== undefined);
  return driver.ledgerOf(epoch);
};

test('a newer revision replaces one that waits and keeps its place; older and equal ones change nothing', async (t) => {
  const driver = await emptyDriver(t);
  await driver.receive(changeFor(1, { number: 2n }), changeFor(2));
  await driver.receive(changeFor(1, { number: 3n, desired: fragmentFor(1, { description: 'third' }) }));
  await driver.receive(changeFor(1, { number: 1n }), changeFor(1, { number: 3n }));
  const ledger = await held(driver);
  const { changes, total } = await ledger.waiting(10);
  assert.equal(total, 2);
  assert.deepEqual(
    changes.map(({ resourceId, revision }) => [resourceId, revision.number]),
    [
      ['vm-1', 3n],
      ['vm-2', 1n],
    ],
  );
  assert.equal(changes[0]?.wanted.rules[0]?.description, 'third 0');
  assert.deepEqual(driver.told, []);
});

test('groups take turns: the first of each comes before the second of any', async (t) => {
  const driver = await emptyDriver(t);
  for (const n of [1, 2, 3]) await driver.receive(changeFor(n, { ownerGroup: 'big' }));
  await driver.receive(changeFor(4, { ownerGroup: 'small' }));
  const { changes } = await (await held(driver)).waiting(3);
  assert.deepEqual(
    changes.map((change) => change.resourceId),
    ['vm-1', 'vm-4', 'vm-2'],
  );
});

test('a repeat is answered again from its verdict, an older revision from the one that was judged', async (t) => {
  const driver = await emptyDriver(t);
  await driver.receive(changeFor(1, { number: 5n }));
  const ledger = await held(driver);
  const { changes } = await ledger.waiting(1);
  await ledger.settle({ applied: changes.map((change) => ({ ...change, fragment: change.wanted })) });
  await eventually(() => driver.told.length === 1);
  await driver.receive(changeFor(1, { number: 5n }));
  await driver.receive(changeFor(1, { number: 4n }));
  await eventually(() => driver.told.length === 3);
  assert.deepEqual(
    driver.told.map((settled) => settled.revision?.number),
    [5n, 5n, 5n],
  );
  assert.equal((await ledger.waiting(10)).total, 0);
});

test('a verdict is written once: settling again neither changes nor repeats it', async (t) => {
  const driver = await emptyDriver(t);
  await driver.receive(changeFor(1));
  const ledger = await held(driver);
  const [change] = (await ledger.waiting(1)).changes;
  assert.ok(change);
  await ledger.settle({ rejected: [{ ...change, code: 'ROUTER_REFUSED', text: 'no' }], stood: ['vm-1'] });
  await assert.rejects(ledger.settle({ applied: [{ ...change, fragment: change.wanted }] }), ChangesWithdrawn);
  assert.deepEqual(await driver.database.query('SELECT FROM resources WHERE applied IS NOT NULL'), []);
  await eventually(() => driver.told.length === 1);
  assert.deepEqual(await driver.database.query('SELECT verdict, message, stood FROM verdicts'), [
    { verdict: 'rejected', message: 'no', stood: true },
  ]);
});

test('which value others hold is stored with the verdict, and told again with it', async (t) => {
  const driver = await emptyDriver(t);
  await driver.receive(changeFor(1), changeFor(2));
  const ledger = await held(driver);
  const [first, second] = (await ledger.waiting(2)).changes;
  assert.ok(first && second);
  const conflict = { kind: 'port' as const, value: '', firstNumber: 20_010, lastNumber: 20_012, path: 'nat rule 5' };
  await ledger.settle({
    rejected: [
      { ...first, code: 'ROUTER_CONFLICT', text: 'taken', conflict },
      { ...second, code: 'ROUTER_REFUSED', text: 'no' },
    ],
  });
  await driver.receive(changeFor(1), changeFor(2));
  await eventually(() => driver.told.length === 4);
  const told = driver.told.toSorted((a, b) => (a.resourceId < b.resourceId ? -1 : 1)).map((one) => one.conflict);
  for (const one of told.slice(0, 2)) {
    assert.deepEqual(
      [one?.kind, one?.firstNumber, one?.lastNumber, one?.path],
      [ConflictKind.PORT, 20_010, 20_012, 'nat rule 5'],
    );
  }
  assert.deepEqual(told.slice(2), [undefined, undefined]);
});

test('a change of an unknown router and one that is no configuration are rejected at once', async (t) => {
  const driver = await emptyDriver(t);
  const quoted = fragmentFor(2, { description: `a'b` });
  await driver.receive(changeFor(1, { router: 'nowhere' }), changeFor(2, { desired: quoted }));
  await eventually(() => driver.told.length === 2);
  assert.deepEqual(driver.told.map((settled) => settled.code).sort(), ['CHANGE_INVALID', 'ROUTER_UNKNOWN']);
  assert.equal((await (await held(driver)).waiting(10)).total, 0);
});

test('what the holder writes after another epoch has begun is refused', async (t) => {
  const driver = await emptyDriver(t);
  await driver.receive(changeFor(1));
  const first = await driver.leases.acquire('default', 'first', 1);
  assert.ok(first !== undefined);
  const second = await eventually(() => driver.leases.acquire('default', 'second', 60_000));
  assert.ok(second > first);
  assert.equal(await driver.leases.renew('default', first, 60_000), false);
  await assert.rejects(driver.ledgerOf(first).tell({ state: 'ok', reason: '' }), LeaseLost);
  assert.equal(await driver.leases.acquire('default', 'first', 1), undefined);
  await driver.ledgerOf(second).tell({ state: 'ok', reason: '' });
});

test('with ten thousand of one group waiting, the only one of another is taken second, and no more is looked at than is taken', async (t) => {
  const driver = await emptyDriver(t);
  await driver.database.execute(
    `INSERT INTO resources (router, resource_id, owner_group, wanted, wanted_incarnation, wanted_number, causes, operation_ids)
     SELECT 'default', 'vm-' || n, CASE n WHEN 10001 THEN 'small' ELSE 'big' END, $1::jsonb, 1, 1, '[]'::jsonb, '{}'
     FROM generate_series(1, 10001) AS n`,
    [JSON.stringify(fragmentFor(1))],
  );
  await driver.database.execute('ANALYZE resources');
  const { changes, total } = await (await held(driver)).waiting(200);
  assert.deepEqual([changes.length, changes[1]?.resourceId], [200, 'vm-10001']);
  assert.equal(total, 1_000, 'counted up to five times as many');
});

test('withdrawals on several routers take their locks in the order in which changes are received', async (t) => {
  const driver = await emptyDriver(t);
  await driver.database.execute(`INSERT INTO routers (name) VALUES ('other')`);
  await driver.receive(changeFor(1), changeFor(2, { router: 'other' }));
  const about = { revision: { incarnation: 1n, number: 1n }, ownerGroup: 'group-1', operationIds: [], causes: [] };
  const rest = { ...about, wanted: { rules: [] }, adopts: false, withdraws: true };
  const first = { ...rest, router: 'default', resourceId: 'vm-1' };
  const second = { ...rest, router: 'other', resourceId: 'vm-2' };
  let withdrawn: Promise<void> | undefined;
  await driver.database.transaction(async (sql) => {
    await sql.query(`SELECT FROM resources WHERE resource_id = 'vm-1' FOR UPDATE`);
    withdrawn = driver.inbox.withdraw([second, first]);
    const waiters = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    await eventually(async () => (await driver.database.query(waiters)).length > 0);
    const free = `SELECT FROM resources WHERE resource_id = 'vm-2' FOR UPDATE SKIP LOCKED`;
    assert.equal(
      (await driver.database.query(free)).length,
      1,
      'whoever waits for the first has not locked the second',
    );
  });
  await withdrawn;
});
