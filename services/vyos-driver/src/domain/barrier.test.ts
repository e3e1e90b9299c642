import assert from 'node:assert/strict';
import { test } from 'node:test';
import { barrierFor } from './barrier.ts';

for (const version of ['1.5', '1.5-rolling-202410210007', '2025.05.30-0020-rolling', '2026.03.01-0018-rolling', '']) {
  test(`an empty configure queues behind what runs on ${version || 'an unknown version'}`, () => {
    assert.deepEqual(barrierFor(version, 1_000), { kind: 'queue' });
  });
}

for (const version of ['1.5-rolling-202506010007', '2025.11.02-0020-rolling', '2026.02.28-0018-rolling']) {
  test(`nothing is sent to ${version} until what runs there must be over`, () => {
    assert.deepEqual(barrierFor(version, 20_000), { kind: 'wait', ms: 60_000 });
    assert.deepEqual(barrierFor(version, 600_000), { kind: 'wait', ms: 900_000 });
  });
}
