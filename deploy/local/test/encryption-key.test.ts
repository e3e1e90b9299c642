import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { temporaryFolder } from '@berth/testing';
import { serviceEnvironment } from '../src/service-plan.ts';
import { openStateFolder } from '../src/state-folder.ts';

test('the master key is made once, for this user alone, and only auth and the driver are told of it; all are told the public address', (t) => {
  const folder = temporaryFolder(t);
  const { encryptionKeyFile } = openStateFolder(folder);
  const made = readFileSync(encryptionKeyFile, 'utf8');
  assert.match(made, /^local:[A-Za-z0-9+/]{43}=\n$/);
  assert.equal(statSync(encryptionKeyFile).mode & 0o777, 0o600);
  openStateFolder(folder);
  assert.equal(readFileSync(encryptionKeyFile, 'utf8'), made);
  const around = {
    databaseUrls: { auth: 'a', allocator: 'b', vyos_driver: 'c' },
    natsUrl: 'n',
    subjectPrefix: 'p',
    adminKeyFile: 'k',
    adminPasswordFile: 'p',
    encryptionKeyFile,
    mailFolder: '',
    simulator: undefined,
    host: '127.0.0.1',
    publicUrl: 'http://127.0.0.1:8812',
    sharesPort: false,
  };
  const fileOf = (name: 'auth' | 'gateway' | 'vyos-driver', shared = {}) =>
    serviceEnvironment(name, shared, around, 0)['BERTH_ENCRYPTION_KEY_FILE'];
  assert.equal(fileOf('vyos-driver'), encryptionKeyFile);
  assert.equal(fileOf('auth'), encryptionKeyFile);
  assert.equal(fileOf('gateway', { BERTH_ENCRYPTION_KEY_FILE: 'own' }), undefined);
  assert.equal(fileOf('vyos-driver', { BERTH_ENCRYPTION_KEY_FILE: 'own' }), 'own');
  assert.equal(fileOf('vyos-driver', { BERTH_ENCRYPTION_KEYS: 'own' }), undefined);

  // All who make or check tokens are told one address, the one that is listened at.
  for (const name of ['auth', 'allocator', 'gateway'] as const) {
    assert.equal(serviceEnvironment(name, {}, around, 0)['BERTH_PUBLIC_URL'], 'http://127.0.0.1:8812');
    const given = serviceEnvironment(name, { BERTH_PUBLIC_URL: 'https://own' }, around, 0);
    assert.equal(given['BERTH_PUBLIC_URL'], 'https://own');
  }
});
