import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { baseline, startSimulator } from '../src/index.ts';
import { configure, sendJson } from './router-client.ts';

const main = new URL('../src/main.ts', import.meta.url).pathname;

function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
}

async function firstLine(child: ChildProcess): Promise<string> {
  assert.ok(child.stdout);
  for await (const line of createInterface({ input: child.stdout })) return line;
  throw new Error('nothing was printed');
}

test('with --json one line says where it is, and SIGTERM ends it cleanly', async () => {
  const child = start('--json', '--key', 'k1', '--key-id', 'driver');
  const ready = JSON.parse(await firstLine(child));
  assert.deepEqual(Object.keys(ready), ['url', 'control', 'key', 'key_id', 'fingerprint', 'certificate_file', 'pid']);
  assert.deepEqual([ready.key, ready.key_id, ready.certificate_file, ready.pid], ['k1', 'driver', null, child.pid]);
  assert.match(ready.fingerprint, /^[0-9a-f]{64}$/);
  assert.equal((await fetch(`${ready.control}/counters`)).status, 200);
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('arguments that make no sense are refused with the help text', async () => {
  const child = start('--latency', 'slow');
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  const [code] = await once(child, 'exit');
  assert.equal(code, 2);
  assert.match(complaint, /--latency must be instant or calibrated[\s\S]*--control-port N/);
});

test('with a state folder certificate, key and saved configuration survive', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'simulator-'));
  t.after(() => rm(folder, { recursive: true }));
  const first = await startSimulator({ stateFolder: folder, key: 'k1', keyId: 'driver' });
  await configure(first, ['set', 'nat destination rule 5 description saved']);
  await sendJson(first, '/config-file', { op: 'save' });
  await configure(first, ['set', 'nat destination rule 5 description lost']);
  const saved = first.config('saved');
  await first.stop();
  const second = await startSimulator({ stateFolder: folder });
  t.after(() => second.stop());
  assert.deepEqual([second.fingerprint, second.key, second.keyId], [first.fingerprint, 'k1', 'driver']);
  assert.deepEqual(second.config('running'), saved);
  assert.equal(await readFile(second.certificateFile ?? '', 'utf8'), second.certificate);
  for (const name of ['certificate.pem', 'certificate-key.pem', 'api-key', 'config.boot.json']) {
    assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600, name);
  }
});

test('several routers run side by side and know nothing of each other', async (t) => {
  const routers = await Promise.all([startSimulator(), startSimulator()]);
  t.after(() => Promise.all(routers.map((router) => router.stop())));
  const [one, other] = routers;
  assert.ok(one && other);
  await configure(one, ['set', 'nat destination rule 5 description one']);
  assert.deepEqual(other.config(), await baseline());
  assert.notEqual(one.fingerprint, other.fingerprint);
});
