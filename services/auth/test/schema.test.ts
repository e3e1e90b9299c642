import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshDatabase } from '@berth/testing';
import { openAuthDatabase } from '../src/start-auth.ts';

test('the migrated schema is what the entities say', async (t) => {
  const { url } = await freshDatabase(t);
  const database = await openAuthDatabase(url);
  t.after(() => database.close());
  await database.migrate();
  const difference = await database.orm.schema.getUpdateSchemaSQL({ wrap: false, dropTables: false });
  // Tables without an entity are strange to MikroORM, and so are foreign keys to or between them.
  const mapped = [...database.orm.getMetadata().getAll().values()].map(({ tableName }) => tableName);
  const keys = await database.query<{ name: string }>(
    `SELECT conname AS name FROM pg_constraint
     WHERE contype = 'f' AND connamespace = current_schema()::regnamespace
       AND NOT (conrelid = ANY($1::regclass[]) AND confrelid = ANY($1::regclass[]))`,
    [mapped],
  );
  const isOfOthers = (line: string) =>
    keys.some(({ name }) => line.startsWith('alter table ') && line.endsWith(` drop constraint "${name}";`));
  assert.ok(mapped.length >= 6, 'it compares');
  assert.deepEqual(
    difference.split('\n').filter((line) => line.trim() !== '' && !isOfOthers(line)),
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
