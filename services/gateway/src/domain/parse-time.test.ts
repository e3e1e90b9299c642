import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WrongValue } from './field-checks.ts';
import { parseTime } from './parse-time.ts';

test('a time is a day that exists, in years that can be told', () => {
  assert.deepEqual(parseTime('2024-02-29T08:00:00.5+01:00'), new Date('2024-02-29T07:00:00.500Z'));
  assert.deepEqual(parseTime('0001-01-01T00:00:00Z').toISOString(), '0001-01-01T00:00:00.000Z');
  assert.deepEqual(parseTime('9999-12-31T23:59:59Z').toISOString(), '9999-12-31T23:59:59.000Z');
  for (const text of [
    '2026-02-30T00:00:00Z',
    '2025-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-10T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '0000-06-01T00:00:00Z',
    '0001-01-01T00:00:00+01:00',
    '9999-12-31T23:59:59-23:00',
    '2016-12-31T23:59:60Z',
    '2026-01-01T25:00:00Z',
    '2026-01-01',
    '',
  ]) {
    assert.throws(() => parseTime(text), WrongValue, text);
  }
});
