import assert from 'node:assert/strict';
import { test } from 'node:test';
import { replacedKeys, type SigningKey, signingAt } from './signing-key.ts';

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 12, minute));
const key = (id: string, minute: number, verifiesUntil?: Date): SigningKey => ({
  ...{ id, publicJwk: {}, createdAt: at(minute), signsFrom: at(minute), verifiesUntil },
});

test('the newest key signs that has begun to', () => {
  const keys = [key('c', 30), key('b', 10), key('a', 0)];
  assert.equal(signingAt(keys, at(20))?.id, 'b');
  assert.equal(signingAt(keys, at(30))?.id, 'c');
  assert.equal(signingAt([key('c', 30)], at(20)), undefined);
});

test('a key is replaced once another has signed so long that nothing can be under way with it, and is let go once', () => {
  const keys = [key('c', 30), key('b', 10), key('a', 0, at(40))];
  const replaced = (minute: number) => replacedKeys(keys, at(minute)).map(({ id }) => id);
  assert.deepEqual(replaced(30), []);
  assert.deepEqual(replaced(31), ['b']);
  assert.deepEqual(replacedKeys([key('a', 0)], at(50)), []);
});
