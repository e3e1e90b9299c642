import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AuditAction, streams } from '@berth/contracts';
import { streamName } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { writeAudit } from '../src/adapters/postgres/audit/audit-rows.ts';
import { berthItself } from '../src/app/asker.ts';
import { aRecord, auditLog, sealed, tell } from './support/audit-log.ts';
import { newWorld, principal, withCode } from './support/world.ts';

/** The start makes the key of the settings, which is an entry too. */
const ofTheStart = 1;

const anEntry = (action: AuditAction) => ({ action, resource: { id: 'u1', name: 'ann' } });

test('what 500 writers tell at once on two replicas is one chain without gaps, in which each stands once', async (t) => {
  const world = await newWorld(t);
  await Promise.all([world.replica(), world.replica()]);
  const database = await world.database();
  const records = Array.from({ length: 250 }, () => aRecord());
  await Promise.all([
    ...records.map((record) => tell(world.bus, record)),
    ...records.map((record, index) => tell(world.bus, record, `again-${index}`)), // told twice
    ...Array.from({ length: 250 }, (_, index) =>
      database.transaction((sql) =>
        writeAudit(sql, berthItself, new Date(), [
          anEntry((['user.changed', 'user.banned', 'user.verified'] as const)[index % 3] ?? 'user.changed'),
        ]),
      ),
    ),
  ]);
  await sealed(database, ofTheStart + 500);
  const rows = await database.query<{ seq: string; fits: boolean }>(
    'SELECT seq, previous_hash = lag(hash) OVER (ORDER BY seq) AS fits FROM audit_entries ORDER BY seq',
  );
  assert.equal(rows.length, ofTheStart + 500);
  rows.forEach(({ seq, fits }, index) => {
    assert.equal(Number(seq), index + 1);
    assert.ok(index === 0 || fits, `entry ${seq}`);
  });
});

test('nothing that was written can be changed or removed by statements, sealed or not', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const database = await world.database();
  await database.transaction((sql) => writeAudit(sql, berthItself, new Date(), [anEntry('user.banned')]));
  await sealed(database, 1);
  for (const statement of [
    "UPDATE audit_entries SET result = 'failed'",
    'UPDATE audit_entries SET seq = NULL, hash = NULL, previous_hash = NULL',
    'UPDATE audit_entries SET seq = 7',
    'DELETE FROM audit_entries',
    'TRUNCATE audit_entries',
    'UPDATE audit_heads SET at = now()',
    'DELETE FROM audit_heads',
    'TRUNCATE audit_heads',
  ]) {
    await assert.rejects(database.execute(statement), /append-only/, statement);
  }
  // A sealer that lies about an entry while it seals it.
  await assert.rejects(
    database.transaction(async (sql) => {
      await writeAudit(sql, berthItself, new Date(), [anEntry('user.deleted')]);
      await sql.execute(
        "UPDATE audit_entries SET seq = 2, hash = sha256('a'), previous_hash = sha256('b'), actor_id = 'x' WHERE action = 'user.deleted'",
      );
    }),
    /append-only/,
  );
});

test('what gateways tell while auth is away becomes entries when it is back, once each', async (t) => {
  const world = await newWorld(t);
  const stop = await world.replica();
  await stop();
  const record = aRecord({ requestId: 'while-away' });
  await tell(world.bus, record);
  await tell(world.bus, record);
  await world.replica();
  const found = await eventually(async () => {
    const { entries } = await auditLog(world.bus).list({ requestId: 'while-away' });
    return entries.length > 0 && entries;
  });
  assert.equal(found.length, 1);
  const [entry] = found;
  assert.equal(entry?.id, record.id);
  assert.deepEqual(
    [entry?.action, entry?.resourceType, entry?.resourceId, entry?.actorName, entry?.clientAddress, entry?.detailsJson],
    ['request.createPool', 'pool', 'web', 'test', '192.0.2.7', '{"method":"POST"}'],
  );
});

test('what another service changed becomes one entry with before and after, without what it should not have told', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const record = aRecord({
    ...{ action: 'router.changed', resourceType: 'router', resourceId: 'edge', resourceName: 'edge' },
    ...{ beforeJson: '{"port":443}', afterJson: '{"port":8443,"key":"Planted-1"}', detailsJson: '' },
  });
  await tell(world.bus, record);
  await tell(world.bus, record, `${record.id}-after-a-wipe`);
  await tell(world.bus, aRecord({ action: 'broken', afterJson: '{' })); // set aside, and in nobody's way
  await tell(world.bus, aRecord({ action: 'request.last' }));
  const { list } = auditLog(world.bus);
  await eventually(async () => (await list({ actionPrefix: 'request.last' })).entries.length === 1);
  const { entries } = await list({ resourceId: 'edge' });
  assert.deepEqual(
    entries.map((entry) => [entry.id, entry.resourceName, entry.beforeJson, entry.afterJson, entry.detailsJson]),
    [[record.id, 'edge', '{"port":443}', '{"key":"[redacted]","port":8443}', '{}']],
  );
  assert.equal((await list({ actionPrefix: 'broken' })).entries.length, 0);
});

test('an entry of auth names the trace of its request, and the signing key that it is about', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const database = await world.database();
  const id = 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k';
  const asker = { ...berthItself, requestId: '86fe85e6cfe0045b6202c655ae69fd59' };
  const entries = [
    { action: 'signing_key.deleted', resource: { id } },
    { action: 'user.changed', resource: { id: 'u1', name: id } },
  ] as const;
  await database.transaction((sql) => writeAudit(sql, asker, new Date(), entries));
  await database.transaction((sql) =>
    writeAudit(sql, { ...asker, requestId: 'my-own' }, new Date(), [anEntry('user.banned')]),
  );
  const written = (await auditLog(world.bus).list()).entries;
  const found = Object.fromEntries(written.map(({ action, ...entry }) => [action, entry]));
  assert.equal(found['signing_key.deleted']?.resourceId, id);
  assert.equal(found['signing_key.deleted']?.traceId, asker.requestId);
  assert.equal(found['user.changed']?.resourceName, '[redacted]');
  assert.equal(found['user.banned']?.traceId, '');
});

test('a wiped stream loses nothing that auth wrote itself or had taken in, and what comes then is taken in', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const database = await world.database();
  await database.transaction((sql) => writeAudit(sql, berthItself, new Date(), [anEntry('user.banned')]));
  await tell(world.bus, aRecord());
  await sealed(database, ofTheStart + 2);
  await world.bus.manager.streams.delete(streamName(world.bus, streams.audit));
  await tell(world.bus, aRecord({ action: 'request.afterwards' }));
  await sealed(database, ofTheStart + 3);
  const { entries } = await auditLog(world.bus).list();
  assert.deepEqual(entries.map(({ action }) => action).sort(), [
    'api_key.created',
    'request.afterwards',
    'request.createPool',
    'user.banned',
  ]);
});

test('filters say which entries come, the newest first, page by page', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const database = await world.database();
  const at = (second: number) => timestampFromDate(new Date(Date.UTC(2026, 0, 1, 0, 0, second)));
  const who = (id: string) => ({ ...principal('admin'), id });
  const told = [
    aRecord({ at: at(1), action: 'request.a1', principal: who('p1'), resourceType: 'vm', requestId: 'one' }),
    aRecord({ at: at(2), action: 'request.a2', principal: who('p2'), clientAddress: '2001:db8::1' }),
    aRecord({ at: at(3), action: 'request.b', principal: who('p1'), result: 'FORBIDDEN', resourceId: 'x' }),
    aRecord({ at: at(4), action: 'user.banned', principal: who('p2') }),
  ];
  for (const record of told) await tell(world.bus, record);
  await sealed(database, ofTheStart + 4);
  const log = auditLog(world.bus);
  const seconds = async (question: Parameters<typeof log.list>[0]) =>
    (await log.list(question)).entries.map((entry) => Number(entry.at?.seconds) % 60);
  const before = { until: at(5) }; // the start's entry is younger
  assert.deepEqual(await seconds(before), [4, 3, 2, 1]);
  assert.deepEqual(await seconds({ actor: 'p1' }), [3, 1]);
  assert.deepEqual(await seconds({ actionPrefix: 'request.a' }), [2, 1]);
  assert.deepEqual(await seconds({ actionPrefix: 'request.a', actor: 'p2' }), [2]);
  assert.deepEqual(await seconds({ actionPrefix: 'nothing.' }), []);
  assert.deepEqual(await seconds({ resourceType: 'vm' }), [1]);
  assert.deepEqual(await seconds({ resourceId: 'x' }), [3]);
  assert.deepEqual(await seconds({ result: 'FORBIDDEN' }), [3]);
  assert.deepEqual(await seconds({ address: '2001:db8::1' }), [2]);
  assert.deepEqual(await seconds({ requestId: 'one' }), [1]);
  assert.deepEqual(await seconds({ since: at(2), until: at(4) }), [3, 2]);
  for (const filter of [before, { actionPrefix: 'r' }]) {
    const first = await log.list({ ...filter, pageSize: 2 });
    const second = await log.list({ ...filter, pageSize: 2, pageToken: first.nextPageToken });
    assert.equal(second.nextPageToken, '');
    const all = [...first.entries, ...second.entries].map(({ action }) => action);
    assert.deepEqual(
      all,
      (await log.list(filter)).entries.map(({ action }) => action),
    );
  }
  await assert.rejects(log.list({ pageToken: 'x' }), withCode('PAGE_TOKEN_INVALID'));
});

test('only who may read the log of everything reads it', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const ofOneGroup = { ...principal('viewer'), permissions: ['audit:read'], group: 'team' };
  for (const who of [principal('viewer'), principal('operator'), ofOneGroup]) {
    const log = auditLog(world.bus, who);
    for (const attempt of [log.list(), log.heads(), log.part()])
      await assert.rejects(attempt, withCode('PERMISSION_DENIED'));
  }
  await auditLog(world.bus, { ...principal('viewer'), permissions: ['audit:read'] }).list();
});

test('secrets in what changes carry stand in no entry, and a record that cannot be read harms no other', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const database = await world.database();
  const planted = 'Planted-Secret-1';
  await database.transaction((sql) =>
    writeAudit(sql, berthItself, new Date(), [
      {
        ...anEntry('user.changed'),
        before: { password: planted, sessions: [{ refresh_token: planted }] },
        after: { name: 'ann', api_key: planted },
        details: { why: `token=${planted}`, at: new Date(0), 'a\u0000b': '\ud800' },
      },
    ]),
  );
  await tell(world.bus, aRecord({ id: 'not-a-uuid' }));
  await tell(world.bus, aRecord({ detailsJson: '{' }));
  await tell(world.bus, aRecord({ detailsJson: JSON.stringify({ body: { secret: planted, nul: 'a\u0000' } }) }));
  await sealed(database, 2);
  const [all] = await database.query<{ text: string }>('SELECT json_agg(e)::text AS text FROM audit_entries e');
  assert.ok(!all?.text.includes(planted), all?.text);
  assert.ok(!world.logged().includes(planted));
  assert.equal((await database.query('SELECT FROM dead_letters')).length, 2);
});
