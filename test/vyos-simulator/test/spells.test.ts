import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSimulator } from '../src/index.ts';
import { configure, retrieve, sendJson } from './router-client.ts';

const rule = 'nat destination rule 970';
const good = [
  ['set', `${rule} protocol tcp`],
  ['set', `${rule} translation address 10.10.1.1`],
] as const;

test('soon after a refused batch its new nodes cannot be set, later they can', async (t) => {
  const simulator = await startSimulator({ latency: { refusalSpellMs: 3_600_000 } });
  t.after(() => simulator.stop());
  assert.equal((await configure(simulator, ...good, ['set', 'nat bogus x'])).status, 400);
  const soon = await configure(simulator, ...good);
  assert.deepEqual([soon.status, soon.error], [400, 'Set failed\n']);
  const elsewhere = await configure(simulator, ['set', 'nat destination rule 5 destination port 23']);
  assert.equal(elsewhere.status, 200);
  await simulator.reboot({ downMs: 0 });
  assert.equal((await configure(simulator, ...good)).status, 200);
});

test('a bad value is named even while the spell lasts', async (t) => {
  const simulator = await startSimulator({ latency: { refusalSpellMs: 3_600_000 } });
  t.after(() => simulator.stop());
  await configure(simulator, ...good, ['set', 'nat bogus x']);
  const reply = await configure(simulator, ['set', `${rule} protocol tpc`]);
  assert.match(reply.error ?? '', /^Error: tpc is not a valid IP protocol/);
});

test('a refused commit leaves no spell', async (t) => {
  const simulator = await startSimulator({ latency: { refusalSpellMs: 3_600_000 } });
  t.after(() => simulator.stop());
  assert.match((await configure(simulator, ['set', `${rule} protocol tcp`])).error ?? '', /Commit failed/);
  assert.equal((await configure(simulator, ...good)).status, 200);
});

test('the instant preset has no spell', async (t) => {
  const simulator = await startSimulator();
  t.after(() => simulator.stop());
  await configure(simulator, ...good, ['set', 'nat bogus x']);
  assert.equal((await configure(simulator, ...good)).status, 200);
});

test('exists of an empty path ends the API process, which answers 502 until it is back', async (t) => {
  const simulator = await startSimulator({ latency: { crashMs: 3_600_000 } });
  t.after(() => simulator.stop());
  const ask = (path: string[]) => sendJson(simulator, '/retrieve', { op: 'exists', path });
  assert.equal((await ask([])).status, 502);
  const next = await ask(['nat']);
  assert.deepEqual([next.status, next.type], [502, 'text/html']);
  await simulator.reboot({ downMs: 0 });
  assert.equal((await ask(['nat'])).status, 200);
});

test('a commit below service https restarts the API, and a deleted key opens it no more', async (t) => {
  const simulator = await startSimulator({ latency: { httpsRestartMs: 3_600_000 } });
  t.after(() => simulator.stop());
  const reply = await configure(simulator, ['set', 'service https api keys id second key other']);
  assert.match(String(reply.data), /^\[ service https \]\n\nWARNING: No certificate specified/);
  assert.equal((await sendJson(simulator, '/retrieve', { op: 'exists', path: ['nat'] })).status, 502);
});

test('the last key cannot be deleted, another one can', async (t) => {
  const simulator = await startSimulator();
  t.after(() => simulator.stop());
  const refused = await configure(simulator, ['delete', 'service https api keys id lab']);
  assert.equal(refused.status, 400);
  assert.match(refused.error ?? '', /At least one HTTPS API key is required unless GraphQL token/);
  assert.equal((await retrieve(simulator, 'exists', 'service https api keys id lab')).data, true);
});
