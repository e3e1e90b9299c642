import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import type { Sql } from '@berth/database';
import { createLogger } from '@berth/service-kit';
import { eventually, freshDatabase, type TestScope } from '@berth/testing';
import { Vault } from '@berth/vault';
import { Registry } from 'prom-client';
import { sealedMails, writeMails } from '../src/adapters/postgres/mails/mail-rows.ts';
import { SecretKeeper } from '../src/adapters/postgres/secrets/secret-keeper.ts';
import type { NewMail } from '../src/app/mails/mail.ts';
import { openAuthDatabase } from '../src/start-auth.ts';
import { sealedTables } from '../src/start-secrets.ts';
import { auditLog } from './support/audit-log.ts';
import { identityClient } from './support/identity-client.ts';
import { startMailbox } from './support/mailbox.ts';
import { openIdProvider } from './support/openid-provider.ts';
import { addUser, headerOf, sessionClient } from './support/sessions.ts';
import { masterKey, newWorld } from './support/world.ts';

const newKey = { id: 'new', bytes: Buffer.alloc(32, 8) };
const both = [newKey, masterKey];
const aMail = (token: string): NewMail => ({
  ...{ template: 'verify-email', to: 'anna@example.org' },
  values: { name: 'anna', token, hours: '24' },
});

/** What the gauge says: how many secrets a master key is needed for, by table. */
async function neededFor(metrics: Registry, key: string): Promise<Record<string, number>> {
  const gauge = (await metrics.getMetricsAsJSON()).find(({ name }) => name === 'berth_auth_sealed_secrets');
  const values = (gauge?.values ?? []).filter(({ labels }) => labels['master_key'] === key);
  return Object.fromEntries(values.map(({ labels, value }) => [String(labels['table']), Number(value)]));
}

const perTable = (secrets: number) => Object.fromEntries(sealedTables.map(({ table }) => [table, secrets]));

test('what an old master key sealed is sealed with the new one at the next start, and works with the new one alone', async (t) => {
  const world = await newWorld(t);
  const stopOld = await world.replica();
  const database = await world.database();
  await addUser(world);
  const sessions = sessionClient(world.bus);
  const signedWith = headerOf(await sessions.signIn())['kid'];
  const corp = await openIdProvider(t, { bob: { preferred_username: 'bob' } });
  const identities = identityClient(world.bus);
  await identities.createProvider('corp', { issuer: corp.issuer, newUsers: true });
  const { authorizationUrl, attempt } = await identities.start('corp');
  await database.transaction((sql) => writeMails(sql, new Vault([masterKey]), [aMail('the-token')]));
  const { keys } = await auditLog(world.bus).heads();
  await stopOld();

  const metrics = new Registry();
  const replicas = [{ metrics }, {}].map((more) => world.replica({ encryptionKeys: both, ...more }));
  const stops = await Promise.all(replicas);
  assert.deepEqual(await neededFor(metrics, masterKey.id), perTable(0));
  assert.deepEqual(await neededFor(metrics, newKey.id), perTable(1));
  await Promise.all(stops.map((stop) => stop()));

  const mailbox = await startMailbox(t);
  await world.replica({ encryptionKeys: [newKey], mail: mailbox.settings });
  assert.equal(headerOf(await sessions.signIn())['kid'], signedWith);
  const { tokens } = await identities.finish('corp', { attempt, ...(await corp.visit(authorizationUrl, 'bob')) });
  assert.ok(tokens?.accessToken);
  await eventually(() => mailbox.arrived.some(({ text }) => text.includes('the-token')));
  const signed = await eventually(async () => {
    const { heads } = await auditLog(world.bus).heads();
    return heads.length > 0 && heads;
  });
  assert.deepEqual([...new Set(signed.map(({ keyId }) => keyId))], [keys[0]?.id]);
});

test('what cannot be read is told once, by table and id, and stops neither the start nor the others', async (t) => {
  const world = await newWorld(t);
  await (await world.replica())();
  const database = await world.database();
  const lost = { id: 'lost', bytes: Buffer.alloc(32, 9) };
  await database.transaction((sql) => writeMails(sql, new Vault([lost]), [aMail('a')]));
  await database.transaction((sql) => writeMails(sql, new Vault([masterKey]), [aMail('b'), aMail('c')]));
  // Of another row: its bytes open with no key here.
  await database.execute(
    "UPDATE mails SET sealed_values = (SELECT sealed_values FROM mails WHERE master_key_id = 'lost') WHERE seq = (SELECT max(seq) FROM mails)",
  );
  const metrics = new Registry();
  await world.replica({ encryptionKeys: both, metrics });
  const mails = await database.query<{ id: string; master_key_id: string }>(
    'SELECT id, master_key_id FROM mails ORDER BY seq',
  );
  assert.deepEqual(
    mails.map(({ master_key_id }) => master_key_id),
    ['lost', newKey.id, masterKey.id],
  );
  assert.equal((await neededFor(metrics, 'lost'))['mails'], 1);
  const log = () =>
    world
      .logged()
      .split('\n')
      .filter((line) => line.includes('stored secret cannot be read'));
  assert.deepEqual(
    log()
      .map((line) => (({ level, table, id, masterKey: key }) => [level, table, id, key])(JSON.parse(line)))
      .sort(),
    [mails[0], mails[2]].map((mail) => ['error', 'mails', mail?.id, mail?.master_key_id]).sort(),
  );
});

/** A database with so many waiting mails under the old key. */
async function withMails(t: TestScope, count: number) {
  const { url } = await freshDatabase(t);
  const database = await openAuthDatabase(url);
  t.after(() => database.close());
  await database.migrate();
  const mails = Array.from({ length: count }, (_, index) => aMail(`token-${index}`));
  await database.transaction((sql) => writeMails(sql, new Vault([masterKey]), mails));
  const keeper = (sql: Sql = database, log = createLogger('test', 'fatal')) =>
    new SecretKeeper({ sql, vault: new Vault(both), log, tables: sealedTables });
  const tokens = async () => {
    const vault = new Vault([newKey]);
    const rows = await database.query<{ id: string; sealed_values: Buffer; master_key_id: string }>(
      'SELECT id, sealed_values, master_key_id FROM mails WHERE master_key_id IS NOT NULL ORDER BY seq',
    );
    return rows.map((row) => {
      const sealed = { bytes: row.sealed_values, masterKeyId: row.master_key_id };
      return JSON.parse(vault.open(sealed, sealedMails.boundTo(row.id))).token;
    });
  };
  return { database, keeper, tokens };
}

test('several replicas at once seal each secret anew once, over several batches', async (t) => {
  const { keeper, tokens } = await withMails(t, 450);
  const resealed = await Promise.all([keeper(), keeper(), keeper()].map((one) => one.reseal()));
  assert.equal(
    resealed.reduce((sum, count) => sum + count),
    450,
  );
  assert.deepEqual(
    await tokens(),
    Array.from({ length: 450 }, (_, index) => `token-${index}`),
  );
  assert.equal(await keeper().reseal(), 0);
});

test('a secret that somebody changes or holds meanwhile is left as they leave it, without waiting', async (t) => {
  const { database, keeper, tokens } = await withMails(t, 3);
  const ids = (await database.query<{ id: string }>('SELECT id FROM mails ORDER BY seq')).map(({ id }) => id);
  let changed = false;
  await database.transaction(async (holder) => {
    await holder.query('SELECT 1 FROM mails WHERE id = $1 FOR UPDATE', [ids[1]]);
    // After the rows were read, and before they are written.
    const execute: Sql['execute'] = async (text, values) => {
      if (!changed)
        await database.execute('UPDATE mails SET sealed_values = NULL, master_key_id = NULL WHERE id = $1', [ids[0]]);
      changed = true;
      return database.execute(text, values);
    };
    assert.equal(await keeper({ query: database.query, execute }).reseal(), 1);
  });
  assert.ok(changed);
  assert.equal(await keeper().reseal(), 1); // the one that was held
  assert.deepEqual(await tokens(), ['token-1', 'token-2']);
});

test('what cannot be read is told once, however often it is tried', async (t) => {
  const { database, keeper } = await withMails(t, 2);
  const lines: string[] = [];
  const sink = new Writable({ write: (chunk, _encoding, done) => done(void lines.push(String(chunk))) });
  await database.execute("UPDATE mails SET master_key_id = 'lost' WHERE seq = (SELECT max(seq) FROM mails)");
  const one = keeper(database, createLogger('test', 'error', sink));
  assert.deepEqual([await one.reseal(), await one.reseal()], [1, 0]);
  assert.equal(lines.length, 1);
});

test('every table of auth that names a master key is among those that are sealed anew', async (t) => {
  const { database } = await withMails(t, 0);
  const tables = await database.query<{ table_name: string }>(
    "SELECT table_name FROM information_schema.columns WHERE table_schema = current_schema() AND column_name = 'master_key_id'",
  );
  assert.deepEqual(tables.map(({ table_name }) => table_name).sort(), sealedTables.map(({ table }) => table).sort());
});
