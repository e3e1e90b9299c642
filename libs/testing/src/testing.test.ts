import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect as connectNats } from '@nats-io/transport-node';
import pg from 'pg';
import { eventually } from './eventually.ts';
import { faultProxy } from './fault-proxy.ts';
import { freshDatabase, type TestSchema } from './fresh-database.ts';
import { freshPrefix } from './fresh-prefix.ts';
import { ownNats } from './own-nats.ts';
import { ownPostgres } from './own-postgres.ts';
import type { TestScope } from './test-scope.ts';
import { testNats, testPostgres } from './test-servers.ts';

/** Stands in for a test that ends while we look on. */
function endableScope(): TestScope & { end(): Promise<void> } {
  const cleanUps: (() => void | Promise<void>)[] = [];
  return {
    after: (run) => void cleanUps.push(run),
    async end() {
      for (const cleanUp of cleanUps) await cleanUp(); // also those that are added meanwhile, as node:test does
    },
  };
}

async function rows(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function natsAt(url: string) {
  const { username, password, host } = new URL(url);
  return connectNats({ servers: host, user: username, pass: password, timeout: 2_000, reconnect: false });
}

test('each fresh database is empty, has btree_gist, and is gone after its test', async () => {
  const scope = endableScope();
  const [one, two] = await Promise.all([freshDatabase(scope), freshDatabase(scope)]);
  await rows(one.url, 'CREATE TABLE held (a int8range, EXCLUDE USING gist (a WITH &&))');
  assert.deepEqual(await rows(two.url, `SELECT FROM pg_tables WHERE schemaname = 'public'`), []);
  assert.equal((await rows(two.url, `SELECT FROM pg_extension WHERE extname = 'btree_gist'`)).length, 1);
  await scope.end();
  const { url } = await testPostgres();
  const names = [one, two].map((database) => `'${new URL(database.url).pathname.slice(1)}'`).join(',');
  assert.deepEqual(await rows(url, `SELECT FROM pg_database WHERE datname IN (${names})`), []);
});

test('a database with a schema is a copy of one that was migrated once, and another history is another template', async (t) => {
  let migrated = 0;
  const name = `s${randomBytes(4).toString('hex')}`;
  const schema = (...statements: string[]): TestSchema => ({
    name,
    migrations: [{ name: '0001', statements }],
    async migrate(url) {
      migrated++;
      for (const statement of statements) await rows(url, statement);
    },
  });
  const first = schema('CREATE TABLE held (a int)');
  const [one, two] = await Promise.all([freshDatabase(t, first), freshDatabase(t, first)]);
  await rows(one.url, 'INSERT INTO held VALUES (1)');
  assert.deepEqual(await rows(two.url, 'SELECT a FROM held'), []);
  assert.equal(migrated, 1);
  const later = await freshDatabase(t, schema('CREATE TABLE held (a int)', 'INSERT INTO held VALUES (2)'));
  assert.deepEqual(await rows(later.url, 'SELECT a FROM held'), [{ a: 2 }]);
  assert.equal(migrated, 2);
});

test('the streams of a fresh prefix are gone after its test, others stay', async (t) => {
  const connection = await natsAt((await testNats()).url);
  t.after(() => connection.close());
  const manager = await jetstreamManager(connection);
  const scope = endableScope();
  const [mine, other] = [freshPrefix(scope), freshPrefix(t)];
  await manager.streams.add({ name: `${mine.toUpperCase()}_EVENTS`, subjects: [`${mine}.events.>`] });
  await manager.streams.add({ name: `${other}-work`, subjects: [`${other}.work.>`] });
  await scope.end();
  const left = (await manager.streams.list().next()).map((stream) => stream.config.name);
  assert.ok(!left.includes(`${mine.toUpperCase()}_EVENTS`));
  assert.ok(left.includes(`${other}-work`));
});

test('an own NATS keeps its streams over a kill and loses them when wiped', async (t) => {
  const nats = await ownNats(t);
  const streamNames = async () => {
    const connection = await natsAt(nats.url);
    const manager = await jetstreamManager(connection);
    const found = (await manager.streams.list().next()).map((stream) => stream.config.name);
    await connection.close();
    return found;
  };
  const connection = await natsAt(nats.url);
  await (await jetstreamManager(connection)).streams.add({ name: 'kept', subjects: ['kept.>'] });
  await connection.close();
  await nats.kill();
  await assert.rejects(natsAt(nats.url));
  await nats.start();
  assert.deepEqual(await streamNames(), ['kept']);
  await nats.wipe();
  assert.deepEqual(await streamNames(), []);
});

test('an own durable Postgres keeps what was committed when it is killed', async (t) => {
  const postgres = await ownPostgres(t, { durable: true });
  await rows(postgres.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
  await postgres.kill();
  await assert.rejects(rows(postgres.url, 'SELECT'));
  await postgres.start();
  assert.deepEqual(await rows(postgres.url, 'SELECT answer FROM kept'), [{ answer: 42 }]);
});

test('eventually answers the first truthy value and names the last error when none comes', async () => {
  let count = 0;
  assert.equal(await eventually(() => (++count < 3 ? undefined : count), { everyMs: 1 }), 3);
  const never = eventually(() => assert.fail('still closed'), { timeoutMs: 30, everyMs: 5, what: 'The door' });
  await assert.rejects(never, /The door did not come within 30 ms: still closed/);
});

test('a fault proxy passes, delays, stalls and resets', async (t) => {
  const server = new URL((await testNats()).url);
  const proxy = await faultProxy(t, { host: server.hostname, port: Number(server.port) });
  const greeted = () =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(proxy.port, '127.0.0.1');
      socket.on('error', reject);
      socket.once('data', (chunk) => {
        socket.destroy();
        resolve(chunk.toString('utf8'));
      });
    });
  assert.match(await greeted(), /^INFO/);

  proxy.setLatencyMs(120);
  const startedAt = performance.now();
  await greeted();
  assert.ok(performance.now() - startedAt >= 119);
  proxy.setLatencyMs(0);

  proxy.stall();
  let passed = false;
  const waiting = greeted().then(() => {
    passed = true;
  });
  const accepted = connect(proxy.port, '127.0.0.1');
  await new Promise<void>((resolve) => accepted.once('connect', () => resolve()));
  assert.equal(passed, false);
  const reset = new Promise<Error>((resolve) => accepted.once('error', resolve));
  proxy.resume();
  await waiting;
  await eventually(() => accepted.bytesRead > 0 || accepted.resume());
  proxy.resetAll();
  assert.match((await reset).message, /ECONNRESET/);

  await proxy.close();
  await assert.rejects(greeted(), /ECONNREFUSED/);
});
