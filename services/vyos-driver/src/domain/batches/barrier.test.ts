import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dialectFor } from '../dialects/dialect.ts';
import { barrierFor } from './barrier.ts';

const barrierOn = (version: string, estimateMs: number) =>
  barrierFor(dialectFor(version) ?? assert.fail(version), estimateMs);

for (const version of [
  '1.3.8',
  '1.4.0',
  '1.5',
  '1.5-rolling-202410210007',
  '2025.05.30-0020-rolling',
  '2026.03.01-0018-rolling',
]) {
  test(`an empty configure queues behind what runs on ${version}`, () => {
    assert.deepEqual(barrierOn(version, 1_000), { kind: 'queue' });
  });
}

for (const version of [
  '1.5-rolling-202506010007',
  '2025.11.02-0020-rolling',
  '2026.02.28-0018-rolling',
  '1.5-stream-2026-Q1',
]) {
  test(`nothing is sent to ${version} until what runs there must be over`, () => {
    assert.deepEqual(barrierOn(version, 20_000), { kind: 'wait', ms: 60_000 });
    assert.deepEqual(barrierOn(version, 600_000), { kind: 'wait', ms: 900_000 });
  });
}
