import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exhaustedAt, takenPerHour } from './forecast.ts';
import { reachedThreshold } from './pool-use.ts';

const minuteMs = 60_000;
const samples = (used: (minute: number) => number, minutes = 60, every = 6) =>
  Array.from({ length: minutes / every + 1 }, (_, index) => ({
    at: new Date(index * every * minuteMs),
    used: used(index * every),
  }));

test('an even growth is found, and a burst does not bend it', () => {
  assert.equal(takenPerHour(samples((minute) => minute)), 60);
  const bursting = samples((minute) => minute / 6 + (minute === 30 || minute === 36 ? 500 : 0), 240);
  assert.ok(Math.abs((takenPerHour(bursting) ?? 0) - 10) < 1e-9);
  assert.equal(takenPerHour(samples(() => 7)), 0);
  assert.equal(takenPerHour(samples((minute) => -minute)), -60);
});

test('a short history says nothing', () => {
  assert.equal(takenPerHour([]), undefined);
  assert.equal(takenPerHour(samples((minute) => minute, 6, 2)), undefined);
  assert.equal(takenPerHour(samples((minute) => minute, 12)), undefined);
});

test('a pool is used up when what is free has gone at that rate; neither never nor in years is a moment', () => {
  const now = new Date(0);
  assert.deepEqual(exhaustedAt(now, 30, 60), new Date(30 * minuteMs));
  assert.deepEqual(exhaustedAt(now, 0, 60), now);
  for (const rate of [undefined, 0, -1]) assert.equal(exhaustedAt(now, 30, rate), undefined);
  assert.equal(exhaustedAt(now, 24 * 366, 1), undefined);
});

test('a threshold is reached from it on, and left only clearly below it', () => {
  assert.equal(reachedThreshold(0.79, [], 0), 0);
  assert.equal(reachedThreshold(0.8, [], 0), 0.8);
  assert.equal(reachedThreshold(0.79, [], 0.8), 0.8);
  assert.equal(reachedThreshold(0.78, [], 0.8), 0);
  assert.equal(reachedThreshold(0.94, [], 0.95), 0.95);
  assert.equal(reachedThreshold(0.9, [], 0.95), 0.8);
  assert.equal(reachedThreshold(1, [0.5, 1], 0), 1);
  assert.equal(reachedThreshold(0.6, [0.7], 0.5), 0); // the thresholds were changed
});
