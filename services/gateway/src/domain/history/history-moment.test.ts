import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WrongValue } from '../field-checks.ts';
import { parseMoment } from './history-moment.ts';

test('a moment is a number, an id or a time', () => {
  assert.deepEqual(parseMoment('42'), { case: 'commitNumber', value: 42n });
  const id = '6F0C1F5E-4d0e-4d59-9d4c-0b7f6e0f7c55';
  assert.deepEqual(parseMoment(id), { case: 'commitId', value: id.toLowerCase() });
  const at = { case: 'at', value: new Date('2026-11-22T08:00:00Z') };
  assert.deepEqual(parseMoment('2026-11-22T08:00:00Z'), at);
  assert.deepEqual(parseMoment('2026-11-22T09:00:00+01:00'), at);
  assert.deepEqual(parseMoment('2026-11-22T09:00:00 01:00'), at); // a plus sign that nobody encoded
});

test('anything else is told to be none', () => {
  for (const text of ['', 'yesterday', '2026-11-22', '-1', '2026-13-40T00:00:00Z', '1e3'])
    assert.throws(() => parseMoment(text), WrongValue, text);
});
