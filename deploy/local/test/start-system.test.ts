import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { processIdentity } from '@berth/local-servers';
import { eventually, temporaryFolder } from '@berth/testing';
import { readRunState } from '../src/run-state.ts';

test('a system that a program started ends with that program, servers included', async (t) => {
  const state = temporaryFolder(t);
  const program = `
    import { startSystem } from '@berth/local';
    const entry = 'deploy/local/test/tiny-service.ts';
    const entries = { auth: entry, allocator: entry, 'vyos-driver': entry, gateway: entry };
    await startSystem({ stateFolder: process.argv[1], port: 0, simulator: false, entries });
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program, state], {
    cwd: import.meta.dirname,
    stdio: 'inherit',
  });
  t.after(() => void child.kill('SIGKILL'));
  const run = await eventually(() => {
    const found = readRunState(state);
    return found?.ready === true && found;
  });
  child.kill('SIGKILL');
  const pids = [...run.services, ...run.servers].map((process) => process.pid);
  assert.equal(pids.length, 6);
  await eventually(() => pids.every((pid) => processIdentity(pid) === undefined));
});
