import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrincipalSchema } from '@berth/contracts';
import { create } from '@bufbuild/protobuf';
import { KeyCache } from './key-cache.ts';
import { networksOf } from './networks.ts';

test('addresses of both kinds are compared with networks of both kinds', () => {
  const networks = networksOf(['192.0.2.0/24', '2001:db8:1::/48', '198.51.100.7/32']);
  for (const inside of ['192.0.2.1', '::ffff:192.0.2.200', '2001:db8:1::9', '198.51.100.7'])
    assert.ok(networks.has(inside), inside);
  for (const outside of ['192.0.3.1', '::ffff:192.0.3.1', '2001:db8:2::1', '198.51.100.8', '', 'localhost', '::1'])
    assert.ok(!networks.has(outside), outside);
});

test('a network that is not written as one lets nobody in', () => {
  const networks = networksOf(['nonsense', '10.0.0.0']);
  assert.ok(!networks.has('10.0.0.0'));
});

test('a key that may be used from some networks is unknown elsewhere, also when it is remembered, and nobody is asked twice', async () => {
  let asked = 0;
  const keys = new KeyCache({
    verify: async () => {
      asked++;
      return { principal: create(PrincipalSchema, { id: '1' }), allowedNetworks: ['192.0.2.0/24'] };
    },
    isCurrent: () => true,
    ttlMs: 60_000,
    refusalTtlMs: 1_000,
    maxEntries: 2,
  });
  const invalid = (error: unknown) => error instanceof Error && 'code' in error && error.code === 'API_KEY_INVALID';
  for (let round = 0; round < 2; round++) {
    await assert.rejects(keys.principalOf('a', '198.51.100.1'), invalid);
    assert.equal((await keys.principalOf('a', '192.0.2.1')).id, '1');
    await assert.rejects(keys.principalOf('a'), invalid, 'whoever cannot say from where is nowhere');
  }
  assert.equal(asked, 1);
});
