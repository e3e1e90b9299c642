import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Argon2Hasher } from './argon2-hasher.ts';

const cheap = { memoryKib: 64, passes: 1, lanes: 1, atOnce: 1, waiting: 2 };

test('a password is recognised by its hash, nobody has the password of nobody, and old parameters show', async () => {
  const hasher = new Argon2Hasher(cheap);
  const hash = await hasher.hash('correct horse');
  assert.match(hash, /^\$argon2id\$v=19\$m=64,t=1,p=1\$/);
  assert.equal(await hasher.verify(hash, 'correct horse'), true);
  assert.equal(await hasher.verify(hash, 'wrong horse'), false);
  assert.equal(await hasher.verify(null, 'correct horse'), false);
  assert.equal(hasher.isOutdated(hash), false);
  assert.equal(new Argon2Hasher({ ...cheap, passes: 2 }).isOutdated(hash), true);
});

test('whoever comes when the queue is full is refused; those who wait are served', async () => {
  const hasher = new Argon2Hasher(cheap);
  const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => hasher.hash('x')));
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected'],
  );
  const refused = outcomes.find((outcome) => outcome.status === 'rejected');
  assert.equal(refused?.reason.code, 'SIGN_IN_BUSY');
  await hasher.hash('x'); // the places are free again
});
