import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { type Operation, OperationState, VmService } from '@berth/contracts';
import { request } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { aPrincipal, makeWorld } from '../support/world.ts';

const keyed = (key: string, body = 'one') => ({
  idempotency: { scope: 'key-1 POST /v1/vms/provision', key, fingerprint: Buffer.from(body) },
});

test('a key that is running is a conflict that names its operation; ended, it answers with that operation', async (t) => {
  const world = await makeWorld(t);
  const first = await world.provision({ vmName: 'vm' }, keyed('k'));
  await assert.rejects(world.provision({ vmName: 'vm' }, keyed('k')), {
    kind: 'conflict',
    code: 'IDEMPOTENCY_KEY_RUNNING',
    details: { operationId: first.id },
  });
  await assert.rejects(world.provision({ vmName: 'vm' }, keyed('k', 'two')), {
    kind: 'unprocessable',
    code: 'IDEMPOTENCY_KEY_REUSED',
  });
  await world.driver.settle(first.vmId, { applied: true });
  await world.ended(first);
  const context = world.context(keyed('k'));
  const message = { context, vmId: randomUUID(), vmName: 'vm' };
  const replay = await request(world.bus, VmService.method.provisionVm, message, { timeoutMs: 20_000 });
  assert.equal(replay.replayed, true);
  assert.deepEqual([replay.operation?.id, replay.operation?.state], [first.id, OperationState.SUCCEEDED]);
});

test('of many requests with one key, one is accepted whatever replica they meet', async (t) => {
  const world = await makeWorld(t, { replicas: 2 });
  const results = await Promise.allSettled(
    Array.from({ length: 24 }, (_, index) => world.provision({ vmName: `vm-${index}` }, keyed('same'))),
  );
  const accepted = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  assert.equal(accepted.length, 1);
  for (const result of results) {
    if (result.status === 'rejected') assert.equal(result.reason.details.operationId, accepted[0]?.id);
  }
  const [counts] = await world.query(
    'SELECT (SELECT count(*)::int FROM vms) AS vms, (SELECT count(*)::int FROM idempotency_keys) AS keys',
  );
  assert.deepEqual(counts, { vms: 1, keys: 1 });
});

test('the same operation sent twice is one operation', async (t) => {
  const world = await makeWorld(t, { replicas: 2 });
  const operationId = randomUUID();
  const vmId = randomUUID();
  const operations = await Promise.all(
    Array.from({ length: 6 }, () => world.provision({ vmName: 'vm', vmId }, { operationId })),
  );
  assert.deepEqual(new Set(operations.map(({ id }) => id)), new Set([operationId]));
  assert.deepEqual(await world.query('SELECT count(*)::int FROM vms'), [{ count: 1 }]);
  const other = aPrincipal({ id: 'key-2' });
  await assert.rejects(world.provision({ vmName: 'x' }, { operationId, principal: other }), {
    code: 'OPERATION_ID_TAKEN',
  });
  await assert.rejects(world.provision({ vmName: 'x', vmId }), { code: 'VM_ID_TAKEN' });
  assert.equal((await world.vm('vm')).id, vmId);
});

test('a refusal binds no key, and a key older than a day binds no more', async (t) => {
  const world = await makeWorld(t);
  await world.provision({ vmName: 'taken' });
  await assert.rejects(world.provision({ vmName: 'taken' }, keyed('k')), { code: 'VM_NAME_TAKEN' });
  const first = await world.provision({ vmName: 'free' }, keyed('k', 'other body'));
  await world.query("UPDATE idempotency_keys SET created_at = now() - interval '25 hours'");
  const second = await world.provision({ vmName: 'free-2' }, keyed('k'));
  assert.notEqual(second.id, first.id);
  assert.deepEqual(await world.query('SELECT operation_id FROM idempotency_keys'), [{ operation_id: second.id }]);
});

test('an expired command is refused and leaves nothing; its operation is not there for good', async (t) => {
  const world = await makeWorld(t);
  const operationId = randomUUID();
  const expired = { operationId, deadline: timestampFromMs(Date.now() - 1), ...keyed('k') };
  await assert.rejects(world.provision({ vmName: 'late' }, expired), { kind: 'unavailable', code: 'DEADLINE_PASSED' });
  await assert.rejects(world.operation(operationId), { kind: 'not_found', code: 'OPERATION_NOT_FOUND' });
  assert.deepEqual(
    await world.query('SELECT FROM allocations UNION ALL SELECT FROM claims UNION ALL SELECT FROM idempotency_keys'),
    [],
  );
});

test('asking for an operation that is being accepted waits for the answer', async (t) => {
  const world = await makeWorld(t);
  const operationId = randomUUID();
  // Somebody who holds the router's row, as a slow acceptance would: it has looked at the clock and is about to commit.
  const held = Promise.withResolvers<void>();
  const locked = Promise.withResolvers<void>();
  const slow = world.database.transaction(async (sql) => {
    await sql.execute('SELECT FROM routers FOR NO KEY UPDATE');
    locked.resolve();
    await held.promise;
  });
  await locked.promise;
  const waitingForLocks = async (count: number) => {
    const waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    await eventually(async () => (await world.query(waiting)).length === count);
  };
  const accepting = world.provision({ vmName: 'slow' }, { operationId });
  await waitingForLocks(1);
  const asking = world.operation(operationId);
  await waitingForLocks(2);
  held.resolve();
  await Promise.all([slow, accepting]);
  assert.equal((await asking).id, operationId);
});

test('an operation that is not there is looked for until nobody can accept it any more', async (t) => {
  const world = await makeWorld(t);
  const deadline = new Date(Date.now() + 1_000);
  const context = world.context({ deadline: timestampFromMs(deadline.getTime()) });
  let accepted: Promise<unknown> | undefined;
  let found: Promise<Operation> | undefined;
  await world.database.transaction(async (sql) => {
    // The allocator stops after it looked at the clock and before its commit.
    await sql.query("INSERT INTO claims (kind, scope, value) VALUES ('vm_name', '', 'vm')");
    accepted = world.provision({ vmName: 'vm' }, context);
    await world.someoneWaits();
    await eventually(async () => (await sql.query('SELECT WHERE clock_timestamp() > $1', [deadline])).length > 0);
    found = world.operation(context.operationId ?? '');
    await eventually(
      async () =>
        (
          await world.query(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%FOR SHARE'",
          )
        ).length > 0,
    );
    await sql.query("DELETE FROM claims WHERE value = 'vm'");
  });
  await accepted;
  assert.equal((await found)?.state, OperationState.RUNNING);
});
