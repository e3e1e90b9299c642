import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soak } from '../src/soak.ts';

for (const seed of [1, 2]) {
  test(`after random changes, refusals, lost answers, reboots and kills all is as the model says (seed ${seed})`, async (t) => {
    const { succeeded, failed } = await soak(t, { seed, count: 150 });
    assert.ok(succeeded > 30, `${succeeded} succeeded`);
    assert.ok(failed > 0, `${failed} failed`);
  });
}
