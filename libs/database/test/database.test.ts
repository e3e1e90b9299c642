import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isKind } from '@berth/errors';
import { eventually, faultProxy, freshDatabase, ownPostgres } from '@berth/testing';
import { defineEntity, p } from '@mikro-orm/core';
import { type Database, type DatabaseOptions, defineMigration, openDatabase } from '../src/index.ts';

const goods = defineMigration('shop-0001', [
  'CREATE TABLE goods (id integer PRIMARY KEY, name text NOT NULL, UNIQUE (name))',
]);

const GoodsEntity = defineEntity({
  name: 'Goods',
  tableName: 'goods',
  properties: { id: p.integer().primary(), name: p.text() },
});

async function open(t: TestContext, url: string, options: Partial<DatabaseOptions> = {}): Promise<Database> {
  const database = await openDatabase({
    url,
    schema: 'shop',
    migrations: [goods],
    entities: [GoodsEntity],
    applicationName: 'database-test',
    ...options,
  });
  t.after(() => database.close());
  return database;
}

async function openMigrated(t: TestContext, options: Partial<DatabaseOptions> = {}): Promise<Database> {
  const database = await open(t, (await freshDatabase(t)).url, options);
  await database.migrate();
  return database;
}

const isAway = (error: unknown) => isKind(error, 'unavailable') && error.code === 'DATABASE_UNAVAILABLE';

test('replicas that start together migrate one after the other, each migration once', async (t) => {
  const { url } = await freshDatabase(t);
  const script = fileURLToPath(new URL('migrate-in-child.ts', import.meta.url));
  const children = [1, 2, 3].map(() => fork(script, [url]));
  const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]));
  assert.deepEqual(codes, [0, 0, 0]);
  const database = await open(t, url);
  assert.deepEqual(await database.query('SELECT id FROM goods'), [{ id: 1 }]);
  assert.equal((await database.query('SELECT FROM migrations')).length, 2);
});

test('a migration that fails leaves nothing behind and can be tried again', async (t) => {
  const { url } = await freshDatabase(t);
  const broken = defineMigration('shop-0002', ['CREATE TABLE half (id integer)', 'SELECT 1 / 0']);
  const first = await open(t, url, { migrations: [goods, broken] });
  await assert.rejects(first.migrate(), /division by zero/);
  const second = await open(t, url, {
    migrations: [goods, defineMigration('shop-0002', ['CREATE TABLE half (id integer)'])],
  });
  await second.migrate();
  assert.deepEqual(await second.query('SELECT FROM half'), []);
});

test('services in one database do not see each other, and use the extensions in public', async (t) => {
  const { url } = await freshDatabase(t);
  const [one, two] = [await open(t, url, { schema: 'one' }), await open(t, url, { schema: 'two' })];
  await Promise.all([one.migrate(), two.migrate()]);
  await one.execute("INSERT INTO goods VALUES (1, 'of one')");
  assert.deepEqual(await two.query('SELECT * FROM goods'), []);
  assert.deepEqual(await two.query('SELECT name FROM one.goods'), [{ name: 'of one' }]);
  await two.execute('CREATE TABLE held (a int8range, b integer, EXCLUDE USING gist (a WITH &&, b WITH =))');
});

test('the schema is found although the URL brings options of its own, which count too', async (t) => {
  const { url } = await freshDatabase(t);
  const given = new URL(url);
  given.searchParams.set('options', '-c search_path=pg_catalog -c statement_timeout=1234');
  const database = await open(t, given.href);
  await database.migrate();
  assert.deepEqual(await database.query('SELECT current_schema() AS schema'), [{ schema: 'shop' }]);
  assert.deepEqual(await database.query('SHOW statement_timeout'), [{ statement_timeout: '1234ms' }]);
});

test('a role that may not make schemas can migrate the one that was made for it', async (t) => {
  const { url } = await freshDatabase(t);
  const owner = await open(t, url);
  const role = new URL(url).pathname.slice(1).replace(/^t_/, 'role_');
  await owner.execute(`CREATE ROLE ${role} LOGIN PASSWORD 'x'`);
  try {
    await owner.execute(`CREATE SCHEMA shop AUTHORIZATION ${role}`);
    const own = new URL(url);
    own.username = role;
    own.password = 'x';
    const database = await openDatabase({
      url: own.href,
      schema: 'shop',
      migrations: [goods],
      applicationName: 'role',
    });
    await database.migrate();
    assert.deepEqual(await database.query('SELECT * FROM goods'), []);
    await database.close();
  } finally {
    await owner.execute(`DROP OWNED BY ${role}`);
    await owner.execute(`DROP ROLE ${role}`);
  }
});

test('a transaction commits as a whole or not at all', async (t) => {
  const database = await openMigrated(t);
  await assert.rejects(
    database.transaction(async (sql) => {
      await sql.execute("INSERT INTO goods VALUES (1, 'a')");
      throw new Error('changed my mind');
    }),
    /changed my mind/,
  );
  assert.deepEqual(await database.query('SELECT * FROM goods'), []);
  assert.equal(await database.transaction((sql) => sql.execute("INSERT INTO goods VALUES (1, 'a'), (2, 'b')")), 2);
});

for (const kind of ['transaction', 'entityTransaction'] as const) {
  test(`two of a deadlock both succeed in the end (${kind})`, async (t) => {
    const database = await openMigrated(t);
    await database.execute("INSERT INTO goods VALUES (1, 'a'), (2, 'b')");
    let runs = 0;
    const bothHold = Promise.withResolvers<void>();
    let holding = 0;
    const lockInTurn = (ids: readonly [number, number]) => {
      const work = async (sql: { execute(text: string, values?: readonly unknown[]): Promise<number> }) => {
        runs++;
        await sql.execute("UPDATE goods SET name = name || '+' WHERE id = $1", [ids[0]]);
        if (++holding === 2) bothHold.resolve();
        await bothHold.promise;
        await sql.execute("UPDATE goods SET name = name || '+' WHERE id = $1", [ids[1]]);
      };
      return kind === 'transaction'
        ? database.transaction(work)
        : database.entityTransaction((_entities, sql) => work(sql));
    };
    await Promise.all([lockInTurn([1, 2]), lockInTurn([2, 1])]);
    assert.ok(runs >= 3, 'one of them ran again'); // and maybe once more: the second attempt can meet the other again
    assert.deepEqual(await database.query('SELECT name FROM goods ORDER BY id'), [{ name: 'a++' }, { name: 'b++' }]);
  });

  test(`a transaction that always conflicts is given up after five attempts (${kind})`, async (t) => {
    const database = await openMigrated(t);
    let runs = 0;
    const work = async (sql: { execute(text: string): Promise<number> }) => {
      runs++;
      await sql.execute("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$");
    };
    await assert.rejects(
      kind === 'transaction' ? database.transaction(work) : database.entityTransaction((_entities, sql) => work(sql)),
    );
    assert.equal(runs, 5);
  });
}

test('entities and statements of one transaction see each other and end together', async (t) => {
  const database = await openMigrated(t);
  const work = (fail: boolean) =>
    database.entityTransaction(async (entities, sql) => {
      const one = entities.create(GoodsEntity, { id: 1, name: 'by entity' });
      entities.persist(one);
      await entities.flush();
      assert.deepEqual(await sql.query('SELECT name FROM goods WHERE id = $1', [1]), [{ name: 'by entity' }]);
      assert.equal(await sql.execute('INSERT INTO goods VALUES ($1, $2)', [2, 'by statement']), 1);
      assert.equal((await entities.findOneOrFail(GoodsEntity, { id: 2 })).name, 'by statement');
      one.name = 'changed';
      if (fail) throw new Error('no');
    });
  await assert.rejects(work(true), /no/);
  assert.deepEqual(await database.query('SELECT * FROM goods'), []);
  await work(false);
  const names = await database.read((entities) => entities.findAll(GoodsEntity, { orderBy: { id: 'asc' } }));
  assert.deepEqual(
    names.map(({ name }) => name),
    ['changed', 'by statement'],
  );
});

test('timestamps come as text that Date reads, to the millisecond', async (t) => {
  const database = await openMigrated(t);
  const moment = new Date('2026-02-03T04:05:06.789Z');
  const [row] = await database.query<{ at: string }>('SELECT $1::timestamptz AS at', [moment]);
  assert.equal(typeof row?.at, 'string');
  assert.equal(new Date(row?.at ?? '').getTime(), moment.getTime());
});

test('a connection that is lost within a transaction is unavailable, and the next one works', async (t) => {
  const database = await openMigrated(t, { poolSize: 2 });
  for (let i = 0; i < 5; i++) {
    await assert.rejects(
      database.transaction(async (sql) => {
        await sql.execute("INSERT INTO goods VALUES (1, 'a')");
        await sql.query('SELECT pg_terminate_backend(pg_backend_pid())');
      }),
      isAway,
    );
    await assert.rejects(
      database.entityTransaction(async (_entities, sql) => {
        await sql.query('SELECT pg_terminate_backend(pg_backend_pid())');
      }),
      isAway,
    );
  }
  assert.deepEqual(await database.query('SELECT * FROM goods'), []);
});

test('the database may be killed and started again: meanwhile unavailable, afterwards as before', async (t) => {
  const server = await ownPostgres(t, { durable: true });
  const database = await open(t, server.url);
  await database.migrate();
  await database.execute("INSERT INTO goods VALUES (1, 'kept')");
  await Promise.all([1, 2, 3, 4].map(() => database.query('SELECT pg_sleep(0.01)'))); // several idle connections
  await server.kill();
  for (const attempt of [
    () => database.query('SELECT 1'),
    () => database.transaction((sql) => sql.query('SELECT 1')),
    () => database.entityTransaction((_entities, sql) => sql.query('SELECT 1')),
    () => database.read((entities) => entities.findAll(GoodsEntity)),
    () => database.ping(),
  ]) {
    // Sessions outlive a killed server for a moment.
    await eventually(() => attempt().then(() => false, isAway));
  }
  await server.start();
  await eventually(() => database.ping().then(() => true));
  assert.deepEqual(await database.query('SELECT name FROM goods'), [{ name: 'kept' }]);
});

test('a database that cannot be reached at the start is unavailable', async (t) => {
  const proxy = await faultProxy(t, { host: '127.0.0.1', port: 9 });
  await proxy.close();
  await assert.rejects(open(t, `postgres://nobody:x@127.0.0.1:${proxy.port}/nothing`), isAway);
});

test('a schema name that could be more than a name is refused', async () => {
  const options = { url: 'postgres://x/y', migrations: [], applicationName: 'test' };
  for (const schema of ['a; DROP TABLE b', 'A', '', '1a', 'a.b']) {
    await assert.rejects(openDatabase({ ...options, schema }), /not a schema name/);
  }
});
