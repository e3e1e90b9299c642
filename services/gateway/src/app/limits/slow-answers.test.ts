import assert from 'node:assert/strict';
import { test } from 'node:test';
import { delayOf, SlowAnswers } from './slow-answers.ts';

test('the delay grows with what is beyond the limit, up to five seconds', () => {
  assert.deepEqual(
    [-1, 0, 1, 50, 100, 1_000].map((beyond) => delayOf(beyond, 100)),
    [0, 0, 50, 2_500, 5_000, 5_000],
  );
});

test('only so many wait at once; a place is free again when one of them goes, and a stop lets all go', async () => {
  const slow = new SlowAnswers(2);
  const gone = new AbortController();
  const waiting = [slow.wait(3_600_000, gone.signal), slow.wait(3_600_000)];
  assert.equal(await slow.wait(3_600_000), false);
  gone.abort();
  assert.equal(await waiting[0], true);
  const next = slow.wait(3_600_000);
  assert.equal(await slow.wait(1), false);
  slow.stop();
  assert.deepEqual(await Promise.all([waiting[1], next, slow.wait(3_600_000)]), [true, true, true]);
});
