import assert from 'node:assert/strict';
import { test } from 'node:test';
import { derivedId } from './derived-id.ts';

test('ids are derived as RFC 9562 says of version 5', () => {
  assert.equal(
    derivedId('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'www.example.com'),
    '2ed6657d-e927-568b-95e1-2665a8aea6a2',
  );
});

test('different names and places lead to different ids', () => {
  const within = ['6ba7b810-9dad-11d1-80b4-00c04fd430c8', '6ba7b811-9dad-11d1-80b4-00c04fd430c8'];
  const ids = within.flatMap((id) => ['item 1', 'item 11', 'vm 1', 'undo 1'].map((name) => derivedId(id, name)));
  assert.equal(new Set(ids).size, 8);
});
