import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '@berth/testing';
import { client, masterKey, newWorld, settingsKey, type World } from './support/world.ts';

/** Auth as a process of its own, with what it writes. */
function startProcess(t: TestContext, world: World, env: Record<string, string>) {
  const child = fork(fileURLToPath(new URL('../src/main.ts', import.meta.url)), {
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: world.databaseUrl,
      NATS_URL: world.natsUrl,
      BERTH_SUBJECT_PREFIX: world.prefix,
      BERTH_ENCRYPTION_KEYS: `${masterKey.id}:${masterKey.bytes.toString('base64')}`,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  t.after(() => child.kill('SIGKILL'));
  let written = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      written += String(chunk);
    });
  }
  return { child, written: () => written, exit: once(child, 'exit'), ready: once(child, 'message') };
}

test('the process refuses weak keys with the reason, the exit code 78 and without the keys', async (t) => {
  const world = await newWorld(t);
  const { written, exit } = startProcess(t, world, { VYOS_API_KEYS: `changeme,planted-1,${settingsKey}` });
  assert.deepEqual((await exit)[0], 78);
  assert.match(written(), /key 1 of 3 is "changeme"/);
  assert.match(written(), /key 2 of 3 is shorter/);
  assert.ok(!/planted|settings-1/.test(written()));
});

test('the process refuses to start when nobody could administer it', async (t) => {
  const world = await newWorld(t);
  const { written, exit } = startProcess(t, world, {});
  assert.deepEqual((await exit)[0], 78);
  assert.match(written(), /there is no admin key: set BERTH_ADMIN_KEY_FILE/);
});

test('processes that are killed at any moment of their first start leave one admin key that works', async (t) => {
  const world = await newWorld(t);
  const file = join(temporaryFolder(t), 'admin-key');
  const env = { BERTH_ADMIN_KEY_FILE: file };
  for (let round = 0; round < 3; round++) {
    const { child, exit } = startProcess(t, world, env);
    await Promise.race([exit, waitFor(() => existsSync(file))]);
    child.kill('SIGKILL'); // with the file there, and the transaction committed or not
    await exit;
  }
  const { child, ready, written, exit } = startProcess(t, world, env);
  await ready;
  const key = readFileSync(file, 'utf8').trim();
  assert.deepEqual((await client(world.bus).verify(key)).principal?.permissions, ['*']);
  assert.equal((await client(world.bus).list()).apiKeys.length, 1);
  assert.ok(!written().includes(key));
  child.kill('SIGTERM');
  assert.deepEqual((await exit)[0], 0);
});

async function waitFor(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1));
}
