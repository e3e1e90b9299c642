import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type BreakerState, RouterBreaker } from '../../src/adapters/vyos/router-breaker.ts';
import { type CallOptions, RouterClient } from '../../src/adapters/vyos/router-client.ts';
import { sending, startTlsRouter, success } from '../support/tls-router.ts';

const usual: CallOptions = { timeoutMs: 5_000, mayStillSend: () => true };
const resetTimeoutMs = 60;

async function start(t: TestContext, settings = { threshold: 3, resetTimeoutMs }) {
  const router = await startTlsRouter(t);
  const client = new RouterClient({ host: '127.0.0.1', port: router.port, key: 'k', caFile: router.certificate });
  const breaker = new RouterBreaker(client, settings);
  t.after(() => breaker.close());
  const states: BreakerState[] = [];
  breaker.onChange((state) => states.push(state));
  return { router, breaker, states };
}

const becomes = (breaker: RouterBreaker, wanted: BreakerState) =>
  new Promise<void>((resolve) => {
    if (breaker.state === wanted) resolve();
    const stop = breaker.onChange((state) => {
      if (state !== wanted) return;
      stop();
      resolve();
    });
  });

const configure = async (breaker: RouterBreaker, options = usual) => (await breaker.configure([], options)).outcome;

test('three outages in a row open it, and then nothing is sent', async (t) => {
  const { router, breaker, states } = await start(t, { threshold: 3, resetTimeoutMs: 60_000 });
  router.answer(sending(502, '<html></html>'));
  assert.equal((await configure(breaker)).kind, 'unclear');
  assert.equal((await breaker.showConfig([], usual)).outcome.kind, 'away');
  assert.equal(breaker.state, 'closed');
  assert.equal(breaker.retryAfterSeconds(), 0);
  assert.equal((await breaker.save(usual)).outcome.kind, 'away');
  assert.equal(breaker.state, 'open');
  assert.equal(breaker.retryAfterSeconds(), 60);

  const refused = await configure(breaker);
  assert.equal(refused.kind, 'not_sent');
  assert.match('text' in refused ? refused.text : '', /not asked for a while\. The last time: .*502/);
  assert.equal((await breaker.emptyConfigure(usual)).outcome.kind, 'not_sent');
  assert.equal((await breaker.exists(['nat'], usual)).outcome.kind, 'away');
  assert.equal((await breaker.save(usual)).outcome.kind, 'away');
  assert.equal(await breaker.version(usual), undefined);
  assert.equal(router.requests.length, 3);
  assert.deepEqual(states, ['open']);
});

test('an answer in between starts the count anew, and refusals, locks and wrong keys are answers', async (t) => {
  const { router, breaker } = await start(t);
  for (const [status, error] of [
    [400, 'Commit failed'],
    [400, 'Configuration system temporarily locked due to another commit in progress'],
    [401, 'Valid API key is required'],
  ] as const) {
    for (let outage = 0; outage < 2; outage += 1) {
      router.answer(sending(503, '<html></html>'));
      await configure(breaker);
    }
    router.answer(sending(status, { success: false, error, data: null }));
    for (let refusal = 0; refusal < 4; refusal += 1) await configure(breaker);
    assert.equal(breaker.state, 'closed', error);
  }
});

test('what was held back on this side says nothing of the router', async (t) => {
  const { breaker } = await start(t);
  for (let at = 0; at < 5; at += 1) {
    assert.equal((await configure(breaker, { ...usual, mayStillSend: () => false })).kind, 'not_sent');
  }
  assert.equal(breaker.state, 'closed');
});

test('after a while one cheap read is let through before the next call, and its answer closes it', async (t) => {
  const { router, breaker, states } = await start(t);
  await router.stop();
  for (let at = 0; at < 3; at += 1) await configure(breaker);
  await becomes(breaker, 'half_open');
  assert.equal(breaker.retryAfterSeconds(), 1);

  assert.equal((await configure(breaker)).kind, 'not_sent');
  assert.equal(breaker.state, 'open');
  await router.listen();
  await becomes(breaker, 'half_open');
  router.answer(success(true));
  assert.equal((await configure(breaker)).kind, 'applied');
  assert.deepEqual(
    router.requests.map(({ path }) => path),
    ['/retrieve', '/configure'],
  );
  assert.deepEqual(states, ['open', 'half_open', 'open', 'half_open', 'closed']);
});

test('whoever may not send does not probe either', async (t) => {
  const { router, breaker } = await start(t);
  await router.stop();
  for (let at = 0; at < 3; at += 1) await configure(breaker);
  await router.listen();
  await becomes(breaker, 'half_open');
  assert.equal((await configure(breaker, { ...usual, mayStillSend: () => false })).kind, 'not_sent');
  assert.equal(breaker.state, 'half_open');
  let asked = 0;
  const lateProbe = () => {
    asked += 1;
    return asked === 1; // may when asked for the probe, may not when it is to be written
  };
  assert.equal((await configure(breaker, { ...usual, mayStillSend: lateProbe })).kind, 'not_sent');
  assert.equal(breaker.state, 'open');
  assert.equal(router.requests.length, 0);
});
