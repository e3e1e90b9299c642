import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { processIdentity } from '@berth/local-servers';
import { temporaryFolder } from '@berth/testing';
import { AlreadyRunningError, lockHolder, takeLock } from '../src/run-lock.ts';

test('a lock is refused while its holder lives, and free after its release', (t) => {
  const lock = join(temporaryFolder(t), 'up.lock');
  const release = takeLock(lock);
  assert.throws(() => takeLock(lock), AlreadyRunningError);
  release();
  assert.equal(lockHolder(lock), undefined);
  takeLock(lock)();
  assert.deepEqual(readdirSync(join(lock, '..')), []);
});

test('the lock of a dead process is taken over', async (t) => {
  const lock = join(temporaryFolder(t), 'up.lock');
  const child = spawn('sleep', ['60']);
  writeFileSync(lock, JSON.stringify(processIdentity(child.pid ?? 0)));
  assert.throws(() => takeLock(lock), AlreadyRunningError);
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('exit', resolve));
  takeLock(lock)();
});

test('a lock whose pid belongs to a later process counts for nothing', (t) => {
  const lock = join(temporaryFolder(t), 'up.lock');
  writeFileSync(lock, JSON.stringify({ pid: process.pid, startedAt: 'another boot/1' }));
  takeLock(lock)();
});

test('a lock file that holds no sense counts for nothing', (t) => {
  const lock = join(temporaryFolder(t), 'up.lock');
  writeFileSync(lock, '{"pid":');
  takeLock(lock)();
});
