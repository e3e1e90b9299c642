import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refuseOversizedBulk } from './bulk-bounds.ts';

const look = (json: string) => refuseOversizedBulk(Buffer.from(json));
const list = (count: number, element: unknown = 0) => JSON.stringify(Array.from({ length: count }, () => element));
const tooLarge = { code: 'BULK_TOO_LARGE' };

test('items are counted where they stand, in the body’s object or in a bare list', () => {
  look(`{"mode":"atomic","items":${list(10_000)}}`);
  look(list(10_000, { a: [1, 2], b: 3 }));
  assert.throws(() => look(`{"mode":"atomic","items":${list(10_001)}}`), tooLarge);
  assert.throws(() => look(`{"items":${list(10_001, { a: [1, 2] })},"mode":"atomic"}`), tooLarge);
  assert.throws(() => look(list(10_001)), tooLarge);
  assert.throws(() => look(`\ufeff ${list(10_001)}`), tooLarge);
});

test('lists within items, and what looks like one within texts, are not the items', () => {
  look(`{"items":[{"metadata":{"list":${list(20_000)}}}]}`);
  look(JSON.stringify({ items: [`${'[,"\\'.repeat(20_000)}\\`, '\\\\", ["'] }));
  look(JSON.stringify({ [`${',{"'.repeat(20_000)}`]: 1, items: list(20_000) }));
  assert.throws(() => look(`{"a":"\\\\","items":${list(10_001)}}`), tooLarge, 'an escaped backslash ends no escape');
});

test('values are counted all together, however they nest', () => {
  const items = (value: unknown) => `{"items":${list(100, value)}}`;
  look(items(Array.from({ length: 9_000 }, () => 0)));
  assert.throws(() => look(items(Array.from({ length: 10_001 }, () => 0))), /values/);
  assert.throws(() => look(`{"items":[${'['.repeat(1_000_001)}`), /values/);
});

test('what is not JSON is left to the parser', () => {
  for (const text of ['', '"', '"\\', ']]}', '}{[', 'abc']) look(text);
});
