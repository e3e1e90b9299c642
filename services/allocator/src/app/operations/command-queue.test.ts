import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DomainError } from '@berth/errors';
import type { Accepted, Command } from '../commands.ts';
import { type AcceptTogether, CommandQueue } from './command-queue.ts';

const aCommand = (id: string, machineId = id, deadlineMs = 10_000): Command => ({
  kind: 'decommission-vm',
  operationId: id,
  machineId,
  deadline: new Date(Date.now() + deadlineMs),
  caller: { id: 'key', name: 'key', permissions: ['*'], group: '', grants: [], userId: '' },
  requestId: '',
  traceparent: '',
  key: undefined,
  mayWait: false,
  ifVersion: 0,
});

/** Notes what was accepted together; `judge` may answer otherwise or throw. */
function recorder(judge: (together: readonly string[]) => void = () => {}) {
  const batches: string[][] = [];
  const accept: AcceptTogether = async (commands) => {
    const ids = commands.map(({ operationId }) => operationId);
    batches.push(ids);
    judge(ids);
    await new Promise((resolve) => setImmediate(resolve));
    return ids.map((id) =>
      id.startsWith('refused')
        ? new DomainError('conflict', 'TAKEN', 'Taken.')
        : ({ operation: { id }, replayed: false } as Accepted),
    );
  };
  return { batches, queue: new CommandQueue(accept) };
}

test('what arrives while a transaction runs goes together in the next one, each with its own answer', async () => {
  const { batches, queue } = recorder();
  const first = queue.submit(aCommand('a'));
  await Promise.resolve();
  const rest = ['b', 'refused-c', 'd'].map((id) => queue.submit(aCommand(id)));
  const results = await Promise.allSettled([first, ...rest]);
  assert.deepEqual(
    results.map((result) => (result.status === 'fulfilled' ? result.value.operation.id : result.reason.code)),
    ['a', 'b', 'TAKEN', 'd'],
  );
  assert.deepEqual(batches, [['a'], ['b', 'refused-c', 'd']]);
});

test('commands that could depend on each other are accepted one after the other, in their order', async () => {
  const { batches, queue } = recorder();
  const pairs: [string, string][] = [
    ['1', 'vm'],
    ['2', 'VM'],
    ['3', 'other'],
    ['4', 'vm'],
  ];
  await Promise.all(pairs.map(([id, machine]) => queue.submit(aCommand(id, machine))));
  assert.deepEqual(batches, [['1', '3'], ['2'], ['4']]);
});

test('an unforeseen failure is searched for one by one, and hurts nobody else', async () => {
  const { queue } = recorder((ids) => {
    if (ids.includes('poison')) throw new Error('syntax error');
  });
  const results = await Promise.allSettled(['a', 'poison', 'b'].map((id) => queue.submit(aCommand(id))));
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
});

test('while the database is away commands are tried again until their deadline', async () => {
  let away = 2;
  const { batches, queue } = recorder(() => {
    if (away-- > 0) throw new DomainError('unavailable', 'DATABASE_UNAVAILABLE', 'Away.');
  });
  const results = await Promise.allSettled([
    queue.submit(aCommand('late', 'late', 0)),
    queue.submit(aCommand('patient')),
  ]);
  assert.deepEqual(
    results.map((result) => (result.status === 'fulfilled' ? 'accepted' : result.reason.code)),
    ['DATABASE_UNAVAILABLE', 'accepted'],
  );
  assert.deepEqual(batches, [['late', 'patient'], ['patient'], ['patient']]);
});
