import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Simulator, startSimulator } from '../src/index.ts';
import { configure, retrieve, sendJson } from './router-client.ts';

const PORT = 'nat destination rule 5 destination port';

/** Resolves once the control interface's own view says so; looks again each time the event loop is free. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

const started = (simulator: Simulator, requests: number) => until(() => simulator.counters().requests >= requests);

test('showConfig of what a write is changing is a 500, exists reads what is committed', async (t) => {
  const simulator = await startSimulator({ latency: { commitMs: 400 } });
  t.after(() => simulator.stop());
  const write = configure(simulator, ['set', `${PORT} 2300`]);
  await started(simulator, 1);
  await until(() => simulator.log()[0]?.body !== null);
  const [shown, value, other] = await Promise.all([
    retrieve(simulator, 'showConfig', 'nat destination'),
    retrieve(simulator, 'returnValue', PORT),
    retrieve(simulator, 'showConfig', 'interfaces'),
  ]);
  assert.equal(shown.status, 500);
  assert.equal(shown.error, 'An internal error occured. Check the logs for details.');
  assert.equal(value.data, '2222');
  assert.equal(other.status, 200);
  assert.equal((await write).status, 200);
  assert.equal((await retrieve(simulator, 'returnValue', PORT)).data, '2300');
  const counters = simulator.counters();
  assert.equal(counters.reads_beside_write, 3);
  assert.ok(counters.max_in_flight >= 2);
});

test('a second write waits for the first and both succeed', async (t) => {
  const simulator = await startSimulator({ latency: { commitMs: 60 } });
  t.after(() => simulator.stop());
  const replies = await Promise.all([
    configure(simulator, ['set', `${PORT} 2300`]),
    configure(simulator, ['set', `${PORT} 2301`]),
  ]);
  assert.deepEqual(
    replies.map(({ status }) => status),
    [200, 200],
  );
  assert.equal(simulator.counters().commits, 2);
  assert.equal(simulator.counters().configures_overlapped, 1);
  assert.ok(simulator.log().every(({ overlapped }) => overlapped));
});

test('a client that goes away does not stop the commit', async (t) => {
  const simulator = await startSimulator({ latency: { commitMs: 150 } });
  t.after(() => simulator.stop());
  const abandoned = new AbortController();
  const write = sendJson(simulator, '/configure', { op: 'set', path: `${PORT} 2300`.split(' ') }, abandoned.signal);
  write.catch(() => undefined);
  await until(() => simulator.log()[0]?.body !== null && simulator.log()[0]?.body !== undefined);
  abandoned.abort();
  await assert.rejects(write);
  await until(() => simulator.counters().commits === 1);
  assert.equal((await retrieve(simulator, 'returnValue', PORT)).data, '2300');
});

test('while a person holds the commit lock the API refuses to commit', async (t) => {
  const simulator = await startSimulator();
  t.after(() => simulator.stop());
  await simulator.person({ commands: ["set interfaces ethernet eth2 description 'a b'"], holdLockMs: 60_000 });
  const reply = await configure(simulator, ['set', `${PORT} 2300`]);
  assert.equal(reply.status, 400);
  assert.equal(reply.error, 'Configuration system temporarily locked due to another commit in progress\n');
  assert.equal((await retrieve(simulator, 'returnValue', PORT)).data, '2222');
  assert.equal((await retrieve(simulator, 'returnValue', 'interfaces ethernet eth2 description')).data, 'a b');
});

test("a person's commit of other rules merges with a write in flight", async (t) => {
  const simulator = await startSimulator({ latency: { commitMs: 100 } });
  t.after(() => simulator.stop());
  const write = configure(simulator, ['set', `${PORT} 2300`]);
  await started(simulator, 1);
  await simulator.person({ commands: ['set nat destination rule 5 description edited'] });
  assert.equal((await write).status, 200);
  assert.equal((await retrieve(simulator, 'returnValue', PORT)).data, '2300');
  assert.equal((await retrieve(simulator, 'returnValue', 'nat destination rule 5 description')).data, 'edited');
});

test('a write in flight when the router reboots is not committed', async (t) => {
  const simulator = await startSimulator({ latency: { commitMs: 200 } });
  t.after(() => simulator.stop());
  const write = configure(simulator, ['set', `${PORT} 2300`]);
  write.catch(() => undefined);
  await started(simulator, 1);
  await simulator.reboot({ downMs: 0 });
  await assert.rejects(write);
  simulator.setLatency({});
  // The queue lets the next write through only when the first is done.
  assert.equal((await configure(simulator, ['set', 'nat destination rule 5 description later'])).status, 200);
  assert.equal((await retrieve(simulator, 'returnValue', PORT)).data, '2222');
});
