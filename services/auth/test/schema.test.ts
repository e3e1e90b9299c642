import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshDatabase } from '@berth/testing';
import { openAuthDatabase } from '../src/start-auth.ts';

test('the migrated schema is what the entities say', async (t) => {
  const { url } = await freshDatabase(t);
  const database = await openAuthDatabase(url);
  t.after(() => database.close());
  await database.migrate();
  assert.equal(await database.orm.schema.getUpdateSchemaSQL({ wrap: false }), '');
});

test('migrating again changes nothing', async (t) => {
  const { url } = await freshDatabase(t);
  const database = await openAuthDatabase(url);
  t.after(() => database.close());
  await database.migrate();
  await database.migrate();
  assert.deepEqual(await database.query('SELECT name FROM migrations'), [{ name: 'auth-0001-api-keys' }]);
});
