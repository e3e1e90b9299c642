import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommonClock } from './common-clock.ts';

/** A clock of which an answer that takes `tookMs` tells that it is `there` at the end. */
function world() {
  const own = { ms: 1_000_000 };
  const clock = new CommonClock(() => own.ms);
  const told = (there: number | undefined, tookMs = 0) =>
    clock.asking(
      async () => {
        own.ms += tookMs;
      },
      () => there,
    );
  return { own, clock, told };
}

test('a clock that is 30 seconds off is set right by an answer, and goes on from there', async () => {
  const { own, clock, told } = world();
  await told(970_000);
  assert.equal(clock.now(), 970_000);
  own.ms += 5_000;
  assert.equal(clock.now(), 975_000);
});

test('what may be the length of the way moves nothing, so that windows do not flicker', async () => {
  const { clock, told } = world();
  await told(1_000_090);
  assert.equal(clock.now(), 1_000_000);
  await told(1_000_900, 1_600); // half way it was 1,000,800 here
  assert.equal(clock.now(), 1_001_600);
  await told(1_031_600, 0);
  assert.equal(clock.now(), 1_031_600);
});

test('an auth that does not tell the time leaves the own clock, and a silent one is asked again', async () => {
  const { clock, told } = world();
  await told(undefined);
  assert.equal(clock.now(), 1_000_000);
  assert.equal(clock.unknown(), undefined);
  const other = new CommonClock(() => 0);
  const stop = other.start(() => Promise.reject(new Error('away')));
  await other.unknown();
  assert.equal(other.now(), 0);
  stop();
});

test('the time is asked for again when nobody asked for anything for a minute', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { own, clock, told } = world();
  let asked = 0;
  const stop = clock.start(() => {
    asked++;
    return told(970_000 + own.ms);
  });
  await clock.unknown();
  const after = (ms: number) => {
    own.ms += ms;
    t.mock.timers.tick(1_000);
    return asked;
  };
  assert.deepEqual([after(1_000), after(58_000)], [1, 1]);
  assert.equal(after(1_000), 2);
  stop();
  assert.equal(after(60_000), 2);
});
