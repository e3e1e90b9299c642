import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ManualClock, type Simulator, startSimulator } from '../src/index.ts';
import { envelopeOf, type Reply, retrieve, sendJson } from './router-client.ts';

const PORT = 'nat destination rule 5 destination port'.split(' ');
const set = (value: string) => ({ op: 'set', path: PORT, value });

async function router(t: TestContext) {
  const clock = new ManualClock(1_790_000_000_500);
  const simulator = await startSimulator({ profile: '1.5-2026', clock, latency: { commitMs: 2_000 } });
  t.after(() => simulator.stop());
  return { simulator, clock };
}

const submit = (simulator: Simulator, body: object): Promise<Reply> =>
  sendJson(simulator, '/configure?in_background=true', body);

async function operations(simulator: Simulator, query = ''): Promise<Record<string, unknown>[]> {
  const reply = await sendJson(simulator, `/retrieve/background-operations${query}`, {});
  return JSON.parse(reply.text).data.operations;
}

test('a write in the background is answered at once and told of later', async (t) => {
  const { simulator, clock } = await router(t);
  const { operation } = JSON.parse((await submit(simulator, set('2300'))).text).data;
  const { op_id, ...queued } = operation;
  assert.match(op_id, /^[0-9a-f]{8}-[0-9a-f]{4}-4/);
  assert.deepEqual(queued, {
    created_at: 1_790_000_000,
    started_at: null,
    finished_at: null,
    status: 'queued',
    result: null,
    error: null,
  });
  await clock.advance(1);
  assert.equal((await operations(simulator))[0]?.['status'], 'running');
  await clock.advance(2_000);
  const [done] = await operations(simulator, `?op_id=${op_id}`);
  assert.deepEqual(done, {
    ...operation,
    started_at: 1_790_000_000,
    finished_at: 1_790_000_002,
    status: 'succeeded',
    result: '',
  });
  assert.equal((await retrieve(simulator, 'returnValue', PORT.join(' '))).data, '2300');
  assert.deepEqual(await operations(simulator, '?op_id=unknown'), []);
});

test('a write in the background that is refused tells the words it would have been answered with', async (t) => {
  const { simulator, clock } = await router(t);
  const body = { commands: [{ op: 'set', path: ['nat', 'destination', 'rule', '6'] }] };
  await submit(simulator, body);
  await clock.advance(2_000);
  const [record] = await operations(simulator);
  simulator.setLatency({});
  const answered = envelopeOf(await sendJson(simulator, '/configure', body));
  assert.deepEqual([record?.['status'], record?.['error']], ['failed', answered.error]);
  assert.match(answered.error ?? '', /Commit failed\n$/);
});

test('writes in the background go one after the other, and at most 128 wait', async (t) => {
  const { simulator, clock } = await router(t);
  await submit(simulator, set('3000'));
  while (clock.sleepers < 1) await new Promise((resolve) => setImmediate(resolve));
  for (let at = 1; at <= 128; at += 1) assert.equal((await submit(simulator, set(String(3000 + at)))).status, 200);
  const refused = await submit(simulator, set('4000'));
  assert.deepEqual([refused.status, envelopeOf(refused).error], [500, 'Background operation queue is full (128)']);
  await clock.advance(129 * 2_000);
  assert.equal((await retrieve(simulator, 'returnValue', PORT.join(' '))).data, '3128');
  assert.equal((await operations(simulator)).length, 128);
});

test('a reboot forgets operations, and what waited is never begun', async (t) => {
  const { simulator, clock } = await router(t);
  await submit(simulator, set('2300'));
  await submit(simulator, set('2400'));
  await simulator.reboot({ downMs: 0 });
  await clock.advance(10_000);
  assert.deepEqual(await operations(simulator), []);
  assert.equal((await retrieve(simulator, 'returnValue', PORT.join(' '))).data, '2222');
});

test('a version without background operations commits before it answers', async (t) => {
  const simulator = await startSimulator({ profile: '1.5-2025' });
  t.after(() => simulator.stop());
  assert.equal(envelopeOf(await submit(simulator, set('2300'))).data, '');
  assert.equal((await sendJson(simulator, '/retrieve/background-operations', {})).status, 404);
});
