import { defineMigration, openDatabase } from '../src/index.ts';

// A replica that starts: migrates the database it is told of and leaves. Started by the test beside it.
const database = await openDatabase({
  url: process.argv[2] ?? '',
  schema: 'shop',
  applicationName: 'replica',
  migrations: [
    defineMigration('shop-0001', ['CREATE TABLE goods (id integer PRIMARY KEY)', 'SELECT pg_sleep(0.2)']),
    defineMigration('shop-0002', ['INSERT INTO goods VALUES (1)']),
  ],
});
await database.migrate();
await database.close();
