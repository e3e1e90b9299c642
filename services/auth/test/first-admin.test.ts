import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '@berth/testing';
import { newWorld } from './support/world.ts';

const admins =
  "SELECT u.name, u.password_hash FROM users u JOIN memberships m ON m.user_id = u.id WHERE m.group_name = 'admin'";

test('replicas that start together make one admin user, whose password is in the file and nowhere else', async (t) => {
  const world = await newWorld(t);
  const adminPasswordFile = join(temporaryFolder(t), 'password');
  await Promise.all(Array.from({ length: 4 }, () => world.replica({ adminPasswordFile })));
  const password = readFileSync(adminPasswordFile, 'utf8').trim();
  assert.ok(password.length >= 24);
  assert.equal(statSync(adminPasswordFile).mode & 0o777, 0o600);
  const database = await world.database();
  const found = await database.query<{ name: string; password_hash: string }>(admins);
  assert.deepEqual(
    found.map(({ name }) => name),
    ['admin'],
  );
  assert.match(found[0]?.password_hash ?? '', /^\$argon2id\$/);
  assert.ok(!world.logged().includes(password));
  const audited = JSON.stringify(await database.query('SELECT * FROM audit_entries'));
  assert.ok(audited.includes('user.created') && !audited.includes(password));
});

test('a start with an admin user makes no other one, even when the file is gone', async (t) => {
  const world = await newWorld(t);
  const folder = temporaryFolder(t);
  const stop = await world.replica({ adminPasswordFile: join(folder, 'one') });
  await stop();
  await world.replica({ adminPasswordFile: join(folder, 'other') });
  assert.throws(() => readFileSync(join(folder, 'other')));
  assert.equal((await (await world.database()).query(admins)).length, 1);
});

for (const weak of ['changeme', 'short', 'aaaaaaaaaaaaaaaaaaaaaaaa']) {
  test(`a given password like "${weak}" stops the start, and is not repeated in the reason`, async (t) => {
    const world = await newWorld(t);
    const adminPasswordFile = join(temporaryFolder(t), 'password');
    writeFileSync(adminPasswordFile, `${weak}\n`);
    await assert.rejects(
      world.replica({ adminPasswordFile }),
      (error: Error) => error.name === 'ConfigError' && /BERTH_ADMIN_PASSWORD_FILE/.test(error.message),
    );
    assert.equal((await (await world.database()).query(admins)).length, 0);
  });
}
