import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SessionFactSchema } from '@berth/contracts';
import { isKind } from '@berth/errors';
import { eventually, ownNats } from '@berth/testing';
import {
  type Bus,
  ensureStream,
  eventMessage,
  keptDays,
  listen,
  Outbox,
  streamName,
  takeUnseen,
} from '../src/index.ts';
import { message, metric, newWorld, stream, type World } from './world.ts';

/** Everything that the stream holds, in order. */
async function contents(bus: Bus): Promise<{ msgId: string; subject: string }[]> {
  const name = streamName(bus, stream);
  const { state } = await bus.manager.streams.info(name);
  const found: { msgId: string; subject: string }[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const one = await bus.manager.streams.getMessage(name, { seq });
    if (one) found.push({ msgId: one.header.get('Nats-Msg-Id'), subject: one.subject });
  }
  return found;
}

const unpublished = async ({ database }: World): Promise<number> =>
  (await database.query('SELECT FROM outbox WHERE published_at IS NULL')).length;

const allPublished = (world: World) =>
  eventually(async () => (await unpublished(world)) === 0, { what: 'publishing', timeoutMs: 20_000 });

/** Puts rows into the outbox as a process does that dies between its commit and the publishing. */
async function dieAfterCommit(world: World, bus: Bus, ids: readonly string[]): Promise<void> {
  const outbox = new Outbox({ database: world.database, bus: { ...bus, isConnected: () => false }, streams: [stream] });
  await outbox.transaction(async (_sql, send) => {
    for (const id of ids) send(message(id));
  });
}

test('a message is in the stream soon after its commit, and nothing is after a rollback', async (t) => {
  const world = await newWorld(t);
  const bus = await world.bus();
  const outbox = await world.outbox(bus);
  const heard: string[] = [];
  listen(bus, 'test.>', SessionFactSchema, ({ id }) => void heard.push(id));
  await bus.ping();
  await outbox.transaction(async (_sql, send) => send(message('committed')));
  await eventually(() => heard.length === 1);
  await assert.rejects(
    outbox.transaction(async (_sql, send) => {
      send(message('rolled back'));
      throw new Error('no');
    }),
  );
  await allPublished(world);
  assert.deepEqual(heard, ['committed']);
  assert.equal(await metric(bus.registry, 'berth_outbox_published_total{stream="TEST",way="commit"}'), 1);
  assert.equal(await metric(bus.registry, 'berth_outbox_backlog'), 0);
});

test('a transaction that is repeated after a deadlock sends its messages once', async (t) => {
  const world = await newWorld(t);
  const bus = await world.bus();
  const outbox = await world.outbox(bus);
  let runs = 0;
  await outbox.transaction(async (sql, send) => {
    send(message('once'));
    if (++runs === 1) await sql.execute("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$");
  });
  await allPublished(world);
  assert.equal(runs, 2);
  assert.equal((await contents(bus)).length, 1);
});

test('what is sent in a transaction with entities leaves after its commit, once, and not after a rollback', async (t) => {
  const world = await newWorld(t);
  const bus = await world.bus();
  const outbox = await world.outbox(bus);
  let runs = 0;
  await outbox.entityTransaction(async (_entities, sql, send) => {
    send(message('once'));
    if (++runs === 1) await sql.execute("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$");
  });
  await assert.rejects(
    outbox.entityTransaction(async (_entities, _sql, send) => {
      send(message('rolled back'));
      throw new Error('no');
    }),
  );
  await allPublished(world);
  assert.equal(runs, 2);
  assert.equal((await contents(bus)).length, 1);
});

test('a public event carries the CloudEvents attributes and the id of its row', async (t) => {
  const world = await newWorld(t);
  const bus = await world.bus();
  const outbox = await world.outbox(bus);
  const event = { stream, subject: 'test.event', type: 'dev.berth.test.v1', source: '/test', about: 'thing-1' };
  await outbox.transaction(async (_sql, send) => send(eventMessage(event, SessionFactSchema, { id: 'k' })));
  await allPublished(world);
  const stored = await bus.manager.streams.getMessage(streamName(bus, stream), { seq: 1 });
  assert.deepEqual(stored?.json(), { id: 'k' });
  const header = (name: string) => stored?.header.get(name);
  assert.equal(header('ce-specversion'), '1.0');
  assert.equal(header('ce-type'), 'dev.berth.test.v1');
  assert.equal(header('ce-subject'), 'thing-1');
  assert.equal(header('ce-id'), header('Nats-Msg-Id'));
  assert.ok(Date.parse(header('ce-time') ?? '') > 0);
});

test('what a crash between commit and publishing left behind is swept, by whichever replica', async (t) => {
  const world = await newWorld(t);
  const bus = await world.bus();
  await dieAfterCommit(world, bus, ['a', 'b', 'c']);
  await world.outbox(bus);
  assert.equal(await unpublished(world), 3, 'young rows may be on their way');
  assert.equal(await metric(bus.registry, 'berth_outbox_backlog'), 3);
  await allPublished(world);
  assert.equal((await contents(bus)).length, 3);
  assert.equal(await metric(bus.registry, 'berth_outbox_published_total{stream="TEST",way="sweep"}'), 3);
});

test('replicas that sweep at once send each row once', async (t) => {
  const world = await newWorld(t);
  const [one, two] = [await world.bus(), await world.bus()];
  await dieAfterCommit(
    world,
    one,
    Array.from({ length: 1_200 }, (_, i) => `m${i}`),
  );
  await world.database.execute("UPDATE outbox SET created_at = created_at - interval '1 minute'");
  const outboxes = [one, two].map((bus) => new Outbox({ database: world.database, bus, streams: [stream] }));
  await Promise.all(outboxes.map((outbox) => outbox.sweep()));
  await Promise.all(outboxes.map((outbox) => outbox.sweep()));
  assert.equal(await unpublished(world), 0);
  const sent = await Promise.all(
    [one, two].map((bus) => metric(bus.registry, 'berth_outbox_published_total{stream="TEST",way="sweep"}')),
  );
  assert.equal((sent[0] ?? 0) + (sent[1] ?? 0), 1_200);
});

test('a message that the stream refuses holds up no other, and its neighbours are sent once', async (t) => {
  const world = await newWorld(t);
  const bus = await world.bus();
  const outbox = await world.outbox(bus);
  const tooLarge = { ...message('large'), payload: new Uint8Array(2_000_000) };
  await outbox.transaction(async (_sql, send) => {
    send(message('before'));
    send(tooLarge);
    send(message('after'));
  });
  await eventually(async () => (await unpublished(world)) === 1);
  await outbox.sweep();
  await outbox.sweep();
  assert.equal(await unpublished(world), 1);
  assert.equal((await contents(bus)).length, 2);
  assert.ok((await metric(bus.registry, 'berth_outbox_publish_failures_total{stream="TEST"}')) >= 1);
});

test('a stream that this outbox does not serve is refused before anything is committed', async (t) => {
  const world = await newWorld(t);
  const bus = await world.bus();
  const outbox = await world.outbox(bus);
  const stray = { ...message('x'), stream: { ...stream, name: 'OTHER' } };
  await assert.rejects(
    outbox.transaction(async (_sql, send) => send(stray)),
    /does not serve the stream OTHER/,
  );
  assert.equal((await world.database.query('SELECT FROM outbox')).length, 0);
});

test('a stream that is missing when a message is published is made again, with the message in it', async (t) => {
  const world = await newWorld(t);
  const bus = await world.bus();
  const outbox = await world.outbox(bus);
  await bus.manager.streams.delete(streamName(bus, stream));
  await outbox.transaction(async (_sql, send) => send(message('first after the loss')));
  await allPublished(world);
  assert.equal((await contents(bus)).length, 1);
});

test('a wiped stream is filled again under new ids, and an inbox takes each message once', async (t) => {
  const world = await newWorld(t);
  const bus = await world.bus();
  const outbox = await world.outbox(bus);
  const handled: string[] = [];
  let deliveries = 0;
  const consumption = world.consume(bus, {
    handle: async (batch) => {
      deliveries += batch.length;
      await world.database.transaction(async (sql) => {
        const unseen = await takeUnseen(
          sql,
          'reader',
          batch.map(({ messageId }) => messageId),
        );
        handled.push(...batch.filter(({ messageId }) => unseen.has(messageId)).map((one) => one.message.id));
      });
    },
  });
  const ids = Array.from({ length: 20 }, (_, i) => `m${i}`);
  await outbox.transaction(async (_sql, send) => {
    for (const id of ids) send(message(id));
  });
  await eventually(() => handled.length === 20);
  await allPublished(world);
  await bus.manager.streams.delete(streamName(bus, stream));
  await eventually(() => deliveries >= 40, { timeoutMs: 20_000 });
  await allPublished(world);
  assert.deepEqual(handled.toSorted(), ids.toSorted());
  for (const { msgId } of await contents(bus)) assert.match(msgId, /^[0-9a-f-]{36}\.1$/);
  await consumption.stop();
});

test('a row that was stored by a stream wiped since does not count as published', async (t) => {
  const world = await newWorld(t);
  const [one, two] = [await world.bus(), await world.bus()];
  const outbox = await world.outbox(one);
  const slow = await world.outbox(two);
  await outbox.stop();
  await slow.stop(); // both know the first stream; from here on nothing sweeps by itself
  await slow.transaction(async (_sql, send) => send(message('stored, then wiped')));
  await eventually(async () => (await unpublished(world)) === 0);
  await world.database.execute('UPDATE outbox SET published_at = NULL'); // the marking is still on its way
  await one.manager.streams.delete(streamName(one, stream));
  await outbox.sweep(); // the other replica has noticed
  await slow.transaction(async (_sql, send) => send(message('marks with an old view')));
  await slow.stop();
  assert.equal(await unpublished(world), 2);
  await world.database.execute("UPDATE outbox SET created_at = created_at - interval '1 minute'");
  await outbox.sweep();
  assert.equal(await unpublished(world), 0);
});

test('what is committed while NATS is away is sent when it is back, also with an empty store', async (t) => {
  const nats = await ownNats(t);
  const world = await newWorld(t, nats);
  const bus = await world.bus();
  const outbox = await world.outbox(bus);
  const handled = new Set<string>();
  const consumption = world.consume(bus, {
    handle: async (batch) => {
      for (const one of batch) handled.add(one.message.id);
    },
  });
  await outbox.transaction(async (_sql, send) => send(message('before')));
  await eventually(() => handled.has('before'));
  await nats.kill();
  await eventually(() => !bus.isConnected());
  await assert.rejects(bus.ping());
  const startedAt = performance.now();
  await outbox.transaction(async (_sql, send) => send(message('while away')));
  assert.ok(performance.now() - startedAt < 4_000, 'a commit does not wait for an answer of NATS (5 s)');
  await nats.start();
  await eventually(() => handled.has('while away'), { timeoutMs: 30_000 });
  await allPublished(world);

  await nats.kill();
  await nats.wipe();
  handled.clear();
  await eventually(() => handled.has('before') && handled.has('while away'), { timeoutMs: 30_000 });
  await outbox.transaction(async (_sql, send) => send(message('after the wipe')));
  await eventually(() => handled.has('after the wipe'), { timeoutMs: 10_000 });
  await consumption.stop();
});

test('rows and inbox ids go when their time is over, unpublished ones stay', async (t) => {
  const world = await newWorld(t);
  const bus = await world.bus();
  const outbox = new Outbox({ database: world.database, bus, streams: [stream] });
  await world.database.execute(
    `INSERT INTO outbox (id, stream, subject, payload, headers, created_at, published_at)
     SELECT gen_random_uuid(), 'GONE', 'test.' || age || published, '', '{}', now() - age * interval '1 day',
       CASE WHEN published THEN now() END
     FROM (VALUES (${keptDays + 1}, true), (${keptDays - 1}, true)) AS old (age, published)`,
  );
  await outbox.sweep();
  assert.deepEqual(await world.database.query('SELECT subject FROM outbox'), [{ subject: `test.${keptDays - 1}true` }]);
  const { dropOldInboxIds } = await import('../src/inbox.ts');
  await world.database.execute(
    `INSERT INTO inbox VALUES ('reader', 'old', now() - interval '${2 * keptDays + 1} days'),
       ('reader', 'young', now() - interval '${2 * keptDays - 1} days'), ('other', 'old', now() - interval '1 year')`,
  );
  assert.equal(await dropOldInboxIds(world.database, 'reader'), 1);
});

test('a lost database during a commit is unavailable', async (t) => {
  const world = await newWorld(t);
  const bus = await world.bus();
  const outbox = await world.outbox(bus);
  await assert.rejects(
    outbox.transaction(async (sql) => {
      await sql.query('SELECT pg_terminate_backend(pg_backend_pid())');
    }),
    (error) => isKind(error, 'unavailable'),
  );
  await ensureStream(bus, stream);
});
