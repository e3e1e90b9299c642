import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ManualClock, type ProfileName, type Simulator, startSimulator } from '../src/index.ts';
import { configure, envelopeOf, retrieve, send, sendJson } from './router-client.ts';

const PORT = 'nat destination rule 5 destination port';

async function router(t: TestContext, profile: ProfileName): Promise<Simulator> {
  const simulator = await startSimulator({ profile });
  t.after(() => simulator.stop());
  return simulator;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

for (const profile of ['1.5-2025', '1.5-2026'] as const) {
  test(`${profile} answers a write with the commit's output, empty or not`, async (t) => {
    const simulator = await router(t, profile);
    assert.equal((await configure(simulator, ['set', `${PORT} 2300`])).data, '');
    assert.equal((await configure(simulator, ['set', `${PORT} 2300`])).data, '');
    const warned = await configure(simulator, ['set', 'nat destination rule 5 inbound-interface name eth9']);
    assert.match(String(warned.data), /^\[ nat \]\n\nWARNING: Interface "eth9"/);
  });

  test(`${profile} tells anybody its version and name, and nothing else`, async (t) => {
    const simulator = await router(t, profile);
    const ask = async (query: string) => envelopeOf(await send(simulator, `/info${query}`, { method: 'GET' })).data;
    const shown = await sendJson(simulator, '/show', { op: 'show', path: ['version'] });
    const version = /^Version:\s+VyOS (\S+)/.exec(String(envelopeOf(shown).data))?.[1];
    assert.deepEqual(await ask(''), { banner: 'Welcome to VyOS', hostname: 'vyos', version });
    assert.deepEqual(await ask('?version=false'), { banner: 'Welcome to VyOS', hostname: 'vyos', version: '' });
    assert.equal((await send(simulator, '/info?key=x', { method: 'GET' })).status, 400);
    assert.equal((await send(simulator, '/info')).status, 405);
  });

  test(`${profile} merges a file into what is running`, async (t) => {
    const simulator = await router(t, profile);
    await configure(simulator, ['set', 'nat destination rule 7 translation address 10.10.1.1']);
    await sendJson(simulator, '/config-file', { op: 'save', file: '/config/more.boot' });
    await configure(simulator, ['delete', 'nat destination rule 7'], ['set', 'system host-name other']);
    const merged = await sendJson(simulator, '/config-file', { op: 'merge', file: '/config/more.boot' });
    assert.equal(merged.status, 200, merged.text);
    assert.equal((await retrieve(simulator, 'exists', 'nat destination rule 7')).data, true);
    const without = await sendJson(simulator, '/config-file', { op: 'merge' });
    assert.equal(envelopeOf(without).error, 'Missing required field "file | string"');
  });
}

test('versions before 2025 have neither /info nor merge', async (t) => {
  const simulator = await router(t, '1.5-2024');
  assert.equal((await send(simulator, '/info', { method: 'GET' })).status, 404);
  const merged = await sendJson(simulator, '/config-file', { op: 'merge', file: 'x' });
  assert.equal(envelopeOf(merged).error, "'merge' is not a valid operation");
});

/** Two writes at once, the first of which takes a second of the router's time. */
async function twoWrites(t: TestContext, profile: ProfileName) {
  const clock = new ManualClock();
  const simulator = await startSimulator({ profile, clock, latency: { commitMs: 1_000 } });
  t.after(() => simulator.stop());
  simulator.addFault({ kind: 'freeze' });
  const first = configure(simulator, ['set', `${PORT} 2300`]);
  first.catch(() => undefined);
  await until(() => clock.sleepers === 1);
  const second = configure(simulator, ['set', `${PORT} 2400`]);
  second.catch(() => undefined);
  await until(() => (simulator.log()[1]?.body ?? null) !== null);
  return { simulator, clock, first, second };
}

test('with the fault freeze two writes at once hang 1.5-2025, /info too, until it is rebooted', async (t) => {
  const { simulator, clock, first, second } = await twoWrites(t, '1.5-2025');
  const info = send(simulator, '/info', { method: 'GET' });
  info.catch(() => undefined);
  await until(() => simulator.counters().requests === 3);
  await clock.advance(3_600_000);
  assert.ok(simulator.log().every(({ ended_ms }) => ended_ms === null));
  assert.equal(simulator.counters().commits, 1);
  await simulator.reboot({ downMs: 0 });
  await Promise.all([first, second, info].map((request) => assert.rejects(request)));
  assert.equal((await send(simulator, '/info', { method: 'GET' })).status, 200);
});

test('nothing freezes 1.5-2026: the second write waits for the first', async (t) => {
  const { clock, first, second } = await twoWrites(t, '1.5-2026');
  await clock.advance(1_000);
  assert.equal((await first).status, 200);
  await clock.advance(1_000);
  assert.equal((await second).status, 200);
});

for (const [profile, waits] of [
  ['1.5-2025', true],
  ['1.5-2026', false],
] as const) {
  test(`a save ${waits ? 'waits for a write of' : 'overlaps a write of'} ${profile}`, async (t) => {
    const clock = new ManualClock();
    const simulator = await startSimulator({ profile, clock, latency: { commitMs: 1_000 } });
    t.after(() => simulator.stop());
    const write = configure(simulator, ['set', `${PORT} 2300`]);
    await until(() => clock.sleepers === 1);
    const save = sendJson(simulator, '/config-file', { op: 'save' });
    await until(() => (simulator.log()[1]?.body ?? null) !== null);
    await clock.advance(1);
    assert.equal(simulator.counters().saves, waits ? 0 : 1);
    await clock.advance(1_000);
    assert.deepEqual([(await write).status, (await save).status], [200, 200]);
  });
}
