import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshDatabase } from '@berth/testing';
import { openAuthDatabase } from '../src/start-auth.ts';

test('migrating again changes nothing', async (t) => {
  const { url } = await freshDatabase(t);
  const database = await openAuthDatabase(url);
  t.after(() => database.close());
  await database.migrate();
  const applied = await database.query('SELECT name FROM migrations ORDER BY id');
  await database.migrate();
  assert.deepEqual(await database.query('SELECT name FROM migrations ORDER BY id'), applied);
});
