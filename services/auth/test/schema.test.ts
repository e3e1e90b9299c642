import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshDatabase } from '@berth/testing';
import { openAuthDatabase } from '../src/start-auth.ts';

test('the migrated schema is what the entities say', async (t) => {
  const { url } = await freshDatabase(t);
  const database = await openAuthDatabase(url);
  t.after(() => database.close());
  await database.migrate();
  // Tables that only statements use have no entity to agree with.
  const differences = await database.orm.schema.getUpdateSchemaSQL({ wrap: false, dropTables: false });
  assert.deepEqual(
    differences.split('\n').filter((line) => /api_keys|given_answers/.test(line)),
    [],
  );
});

test('migrating again changes nothing', async (t) => {
  const { url } = await freshDatabase(t);
  const database = await openAuthDatabase(url);
  t.after(() => database.close());
  await database.migrate();
  const applied = await database.query('SELECT name FROM migrations ORDER BY id');
  await database.migrate();
  assert.deepEqual(await database.query('SELECT name FROM migrations ORDER BY id'), applied);
});
