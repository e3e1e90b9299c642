import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { DomainError } from '@berth/errors';
import { RouterKeyVault } from './router-key-vault.ts';

const master = (id: string) => ({ id, bytes: randomBytes(32) });
const withCode = (code: string) => (error: unknown) => error instanceof DomainError && error.code === code;

test('what was sealed is opened for the same router and key id only', () => {
  const vault = new RouterKeyVault([master('a')]);
  const sealed = vault.seal('the key', 'edge', 'berth');
  assert.equal(vault.open(sealed, 'edge', 'berth'), 'the key');
  assert.ok(!sealed.bytes.includes('the key'));
  assert.throws(() => vault.open(sealed, 'other', 'berth'), withCode('ROUTER_KEY_UNREADABLE'));
  assert.throws(() => vault.open(sealed, 'edge', 'other'), withCode('ROUTER_KEY_UNREADABLE'));
});

test('sealing the same key twice gives different bytes', () => {
  const vault = new RouterKeyVault([master('a')]);
  assert.notDeepEqual(vault.seal('k', 'r', 'i').bytes, vault.seal('k', 'r', 'i').bytes);
});

test('the first master key writes, the others read', () => {
  const [old, fresh] = [master('old'), master('fresh')];
  const sealed = new RouterKeyVault([old]).seal('k', 'r', 'i');
  const rotated = new RouterKeyVault([fresh, old]);
  assert.equal(rotated.open(sealed, 'r', 'i'), 'k');
  assert.equal(rotated.seal('k', 'r', 'i').masterKeyId, 'fresh');
});

test('a wrong or missing master key, or changed bytes, are told apart from a key', () => {
  const vault = new RouterKeyVault([master('a')]);
  const sealed = vault.seal('k', 'r', 'i');
  assert.throws(() => new RouterKeyVault([master('a')]).open(sealed, 'r', 'i'), withCode('ROUTER_KEY_UNREADABLE'));
  assert.throws(() => new RouterKeyVault([master('b')]).open(sealed, 'r', 'i'), withCode('ROUTER_KEY_UNREADABLE'));
  const bytes = Buffer.from(sealed.bytes);
  bytes.writeUInt8((bytes.at(-1) ?? 0) ^ 1, bytes.length - 1);
  assert.throws(() => vault.open({ ...sealed, bytes }, 'r', 'i'), withCode('ROUTER_KEY_UNREADABLE'));
  assert.throws(() => vault.open({ ...sealed, bytes: Buffer.alloc(3) }, 'r', 'i'), withCode('ROUTER_KEY_UNREADABLE'));
});

test('without a master key nothing is sealed', () => {
  const vault = new RouterKeyVault([]);
  assert.equal(vault.writesWith, undefined);
  assert.throws(() => vault.seal('k', 'r', 'i'), withCode('ENCRYPTION_KEY_MISSING'));
});

test('a fingerprint tells keys apart and hangs on the master key', () => {
  const vault = new RouterKeyVault([master('a')]);
  assert.match(vault.fingerprint('k'), /^[0-9a-f]{8}$/);
  assert.equal(vault.fingerprint('k'), vault.fingerprint('k'));
  assert.notEqual(vault.fingerprint('k'), vault.fingerprint('l'));
  assert.notEqual(vault.fingerprint('k'), new RouterKeyVault([master('a')]).fingerprint('k'));
});
