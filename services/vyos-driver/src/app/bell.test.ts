import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bell } from './bell.ts';

const never = new AbortController().signal;

test('a ring before the sleep is not lost', async () => {
  const bell = new Bell();
  bell.ring();
  assert.equal(await bell.sleep(60_000, never), true);
});

test('a ring wakes the sleeper, once', async () => {
  const bell = new Bell();
  const sleeping = bell.sleep(60_000, never);
  bell.ring();
  assert.equal(await sleeping, true);
  assert.equal(await bell.sleep(1, never), false);
});

test('an abort ends the sleep', async () => {
  const stopping = new AbortController();
  const sleeping = new Bell().sleep(60_000, stopping.signal);
  stopping.abort();
  assert.equal(await sleeping, false);
});
