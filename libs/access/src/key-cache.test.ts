import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrincipalSchema } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { create } from '@bufbuild/protobuf';
import { KeyCache } from './key-cache.ts';

test('an answer that was under way when a notice came is not kept', async () => {
  const answers: ((permissions: string[]) => void)[] = [];
  const keys = new KeyCache({
    verify: () =>
      new Promise((resolve) => {
        answers.push((permissions) =>
          resolve({
            principal: create(PrincipalSchema, { id: '1', permissions }),
          }),
        );
      }),
    isCurrent: () => true,
    ttlMs: 60_000,
    refusalTtlMs: 1_000,
    maxEntries: 10,
  });
  const early = keys.principalOf('a');
  keys.forget('1');
  const late = keys.principalOf('a');
  answers[0]?.(['old']);
  answers[1]?.(['new']);
  assert.deepEqual((await early).permissions, ['old']);
  assert.deepEqual((await late).permissions, ['new']);
  assert.deepEqual((await keys.principalOf('a')).permissions, ['new']);
  assert.equal(answers.length, 2);
});

test('the cache stays within its bound, and the least used key leaves first', async () => {
  let asked: string[] = [];
  const keys = new KeyCache({
    verify: async (key) => {
      asked.push(key);
      return {
        principal: create(PrincipalSchema, { id: key }),
      };
    },
    isCurrent: () => true,
    ttlMs: 60_000,
    refusalTtlMs: 1_000,
    maxEntries: 2,
  });
  for (const key of ['a', 'b', 'a', 'c']) await keys.principalOf(key);
  asked = [];
  for (const key of ['a', 'c', 'b']) await keys.principalOf(key);
  assert.deepEqual(asked, ['b']);
});

test('while a notice may have been missed nobody is let in by what is remembered', async () => {
  let isCurrent = true;
  let asked = 0;
  const keys = new KeyCache({
    verify: async () => ({ principal: create(PrincipalSchema, { id: String(++asked) }) }),
    isCurrent: () => isCurrent,
    ttlMs: 60_000,
    refusalTtlMs: 1_000,
    maxEntries: 10,
  });
  const holder = async () => (await keys.principalOf('a')).id;
  assert.deepEqual([await holder(), await holder()], ['1', '1']);
  isCurrent = false;
  assert.deepEqual([await holder(), await holder()], ['2', '3']);
  isCurrent = true;
  assert.equal(await holder(), '3');
});

test('a key that is held is refused from elsewhere in the words for one that nobody holds', async () => {
  const keys = new KeyCache({
    verify: async (key) => {
      if (key !== 'held') throw new DomainError('unauthenticated', 'API_KEY_INVALID', 'Words of auth.');
      return { principal: create(PrincipalSchema, { id: '1' }), allowedNetworks: ['192.0.2.0/24'] };
    },
    isCurrent: () => true,
    ttlMs: 60_000,
    refusalTtlMs: 1_000,
    maxEntries: 10,
  });
  const refusal = (key: string): Promise<string> =>
    keys.principalOf(key, '198.51.100.1').then(
      () => 'let in',
      ({ kind, code, message }: DomainError) => [kind, code, message].join(' '),
    );
  const [held, unheld, again] = [await refusal('held'), await refusal('unheld'), await refusal('unheld')];
  assert.notEqual(held, 'let in');
  assert.deepEqual([unheld, again], [held, held]);
});
