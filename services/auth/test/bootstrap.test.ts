import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigError } from '@berth/service-kit';
import { temporaryFolder } from '@berth/testing';
import { readConfig } from '../src/config.ts';
import { prefixOf } from '../src/domain/keys/api-key-text.ts';
import { client, newWorld, settingsKey, withCode } from './support/world.ts';

test('replicas that start together agree on one admin key, which is in the file for its owner alone', async (t) => {
  const world = await newWorld(t);
  const file = join(temporaryFolder(t), 'admin-key');
  await Promise.all([1, 2, 3].map(() => world.replica({ givenKeys: [], adminKeyFile: file })));
  const key = readFileSync(file, 'utf8').trim();
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.ok(prefixOf(key));
  const { principal } = await client(world.bus).verify(key);
  assert.deepEqual(principal?.permissions, ['*']);
  const { apiKeys } = await client(world.bus).list();
  assert.deepEqual(
    apiKeys.map(({ prefix }) => prefix),
    [prefixOf(key)],
  );
  assert.ok(!world.logged().includes(key), 'the key stands in the log');
});

test('a replica on another machine finds the key in the database and makes no file', async (t) => {
  const world = await newWorld(t);
  const [here, there] = [join(temporaryFolder(t), 'key'), join(temporaryFolder(t), 'key')];
  await world.replica({ givenKeys: [], adminKeyFile: here });
  await world.replica({ givenKeys: [], adminKeyFile: there });
  assert.throws(() => statSync(there), withCode('ENOENT'));
});

test('a key that a crash left in its file before it was stored is the one that is used', async (t) => {
  const world = await newWorld(t);
  const [before, after] = [join(temporaryFolder(t), 'key'), join(temporaryFolder(t), 'key')];
  const crashed = await newWorld(t);
  await crashed.replica({ givenKeys: [], adminKeyFile: before });
  writeFileSync(after, readFileSync(before)); // the file of a start whose transaction never committed
  await world.replica({ givenKeys: [], adminKeyFile: after });
  await client(world.bus).verify(readFileSync(before, 'utf8').trim());
});

test('without any admin key the start stops and says what to do', async (t) => {
  const world = await newWorld(t);
  await assert.rejects(
    world.replica({ givenKeys: [] }),
    (error) => error instanceof ConfigError && /BERTH_ADMIN_KEY_FILE/.test(error.message),
  );
});

test('a weak key in the admin key file stops the start without showing it', async (t) => {
  const world = await newWorld(t);
  const file = join(temporaryFolder(t), 'key');
  writeFileSync(file, 'shortkey\n');
  await assert.rejects(
    world.replica({ givenKeys: [], adminKeyFile: file }),
    (error) => error instanceof ConfigError && /shorter than 16/.test(error.message) && !/shortkey/.test(error.message),
  );
});

test('keys of the settings are admin keys, in whatever form, and are stored once by any number of replicas', async (t) => {
  const world = await newWorld(t);
  const given = ['first key, any text: äöü', settingsKey];
  await Promise.all([1, 2, 3].map(() => world.replica({ givenKeys: given })));
  for (const key of given) assert.deepEqual((await client(world.bus).verify(key)).principal?.permissions, ['*']);
  const { apiKeys } = await client(world.bus).list();
  assert.equal(apiKeys.length, 2);
  for (const { prefix, name } of apiKeys) {
    assert.match(prefix, /^env-/, 'no part of the key itself is shown');
    assert.equal(name, 'from VYOS_API_KEYS');
  }
});

test('a key that the settings name no longer ends at the next start and works again when it is named again', async (t) => {
  const world = await newWorld(t);
  const given = 'temporary-key-of-settings';
  await (await world.replica({ givenKeys: [settingsKey, given] }))();
  await (await world.replica({ givenKeys: [settingsKey] }))();
  await world.replica({ givenKeys: [settingsKey] });
  await assert.rejects(client(world.bus).verify(given), withCode('API_KEY_INVALID'));
  assert.equal((await client(world.bus).list()).apiKeys.length, 1);
  await world.replica({ givenKeys: [settingsKey, given] });
  await client(world.bus).verify(given);
});

test('a key of the settings that was deleted stays deleted although it is still named', async (t) => {
  const world = await newWorld(t);
  await (await world.replica())();
  const given = 'leaked-key-of-settings';
  await (await world.replica({ givenKeys: [settingsKey, given] }))();
  await world.replica({ givenKeys: [settingsKey, given] });
  const { principal } = await client(world.bus).verify(given);
  await client(world.bus).remove(principal?.id ?? '');
  await world.replica({ givenKeys: [settingsKey, given] });
  await assert.rejects(client(world.bus).verify(given), withCode('API_KEY_INVALID'));
});

test('a setting that would leave nobody in charge is refused and changes nothing', async (t) => {
  const world = await newWorld(t);
  await (await world.replica())();
  await assert.rejects(world.replica({ givenKeys: [] }), ConfigError);
  await world.replica();
  await client(world.bus).verify(settingsKey);
});

test('weak keys in the settings stop the start with the reason and without a value', () => {
  const encryptionKey = `tests:${randomBytes(32).toString('base64')}`;
  const env = {
    DATABASE_URL: 'postgres://db/berth',
    NATS_URL: 'nats://bus:4222',
    BERTH_ENCRYPTION_KEYS: encryptionKey,
  };
  const refusal = (keys: string): string => {
    try {
      readConfig({ ...env, VYOS_API_KEYS: keys });
    } catch (error) {
      if (error instanceof ConfigError) return error.message;
    }
    return '';
  };
  assert.match(refusal('changeme'), /VYOS_API_KEYS: key 1 of 1 is "changeme"/);
  assert.match(refusal(`${settingsKey}, ChangeMe`), /key 2 of 2 is "changeme"/);
  const message = refusal('too-short-3f9a');
  assert.match(message, /shorter than 16 characters/);
  assert.ok(!message.includes('too-short'));
  assert.equal(refusal(settingsKey), '');
  assert.deepEqual(readConfig(env).givenKeys, []);
});

test('settings that would leave it open stop the start with the reason', () => {
  const env = {
    DATABASE_URL: 'postgres://db/berth',
    NATS_URL: 'nats://bus:4222',
    BERTH_ENCRYPTION_KEYS: `tests:${randomBytes(32).toString('base64')}`,
  };
  const zeros = `tests:${Buffer.alloc(32).toString('base64')}`;
  const refusals: readonly (readonly [Record<string, string>, RegExp])[] = [
    [{ BERTH_ENCRYPTION_KEYS: zeros }, /BERTH_ENCRYPTION_KEYS: the key tests repeats/],
    [{ BERTH_PUBLIC_URL: 'http://berth.example.org' }, /BERTH_PUBLIC_URL is plain HTTP/],
    [{ BERTH_REGISTRATION: 'open' }, /BERTH_REGISTRATION is open, and there is no way to send mails/],
    [{ BERTH_EMAIL_VERIFICATION: 'off' }, /BERTH_EMAIL_VERIFICATION cannot be off/],
  ];
  for (const [setting, reason] of refusals) assert.throws(() => readConfig({ ...env, ...setting }), reason);
  const open = readConfig({ ...env, BERTH_REGISTRATION: 'open', BERTH_MAIL_FOLDER: '/tmp/mails' });
  assert.equal(open.accounts.registration, 'open');
});
