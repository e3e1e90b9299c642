import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { test } from 'node:test';
import { isKind } from '@berth/errors';
import { StrengthThread } from './strength-thread.ts';
import { zxcvbnStrength } from './zxcvbn-strength.ts';

/** Those that zxcvbn takes longest for: nothing in them is a word, and everything may be one with other letters. */
const worst = [
  '4@8({[<369&#!1|7+0$5%x2z4@8({[<369&#!1|7',
  'xK9#mQ2$vL7@nR4!wT8%zB3^yC6&uD1*hF5(jG0)',
  '1234567890123456789012345678901234567890',
  '19901990199019901990199019901990',
];

test('what takes longest to estimate leaves the event loop to others', async () => {
  const thread = new StrengthThread();
  await thread.estimate('the first one begins the thread', []);
  const before = performance.eventLoopUtilization();
  const strengths = await Promise.all(worst.map((password) => thread.estimate(password, [])));
  const { utilization } = performance.eventLoopUtilization(before);
  await thread.stop();
  assert.deepEqual(
    strengths.map(({ score }) => score),
    [4, 4, 0, 0],
  );
  assert.ok(utilization < 0.5, `the event loop was busy for ${Math.round(utilization * 100)} % of the time`);
});

test('random passwords cost about what a hash costs, and words in other letters are still found', () => {
  zxcvbnStrength('the first one sorts the words', []);
  const before = process.cpuUsage();
  for (const password of worst) zxcvbnStrength(password, []);
  const ms = process.cpuUsage(before).user / 1_000;
  assert.ok(ms < 150 * worst.length, `${ms} ms of processor time`); // with the library's own bound more than twice as much
  for (const password of ['P@$$w0rd!', '4dm1n1str4t0r', '1n73rn4710n41', 'f00tb411']) {
    assert.ok(zxcvbnStrength(password, []).score < 2, password);
  }
});

test('more than may wait are refused, and who waits at the end hears of it', async () => {
  const thread = new StrengthThread(2);
  const waiting = ['one', 'two'].map((password) => thread.estimate(password, []));
  await assert.rejects(thread.estimate('three', []), (error) => isKind(error, 'unavailable'));
  const outcomes = Promise.allSettled(waiting);
  await thread.stop();
  for (const { status } of await outcomes) assert.equal(status, 'rejected');
  assert.equal((await thread.estimate('another thread begins', [])).score > 0, true);
  await thread.stop();
});
