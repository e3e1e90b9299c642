import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DomainError } from '@berth/errors';
import { eventually, ownNats } from '@berth/testing';
import type { Outbox } from '../src/index.ts';
import { streamName } from '../src/index.ts';
import { message, metric, newWorld, stream } from './world.ts';

const sendAll = (outbox: Outbox, ids: readonly string[]) =>
  outbox.transaction(async (_sql, send) => {
    for (const id of ids) send(message(id));
  });

const numbered = (count: number) => Array.from({ length: count }, (_, i) => `m${i}`);

test('one bad message of a batch harms no other', async (t) => {
  const world = await newWorld(t);
  const bus = await world.bus();
  const outbox = await world.outbox(bus);
  const handled = new Map<string, number>();
  let wholeBatches = 0;
  await sendAll(outbox, numbered(50));
  world.consume(bus, {
    handle: async (batch) => {
      if (batch.length > 1) wholeBatches++;
      if (batch.some((one) => one.message.id === 'm17' && one.deliveryCount < 3)) throw new Error('not m17');
      for (const one of batch) handled.set(one.message.id, (handled.get(one.message.id) ?? 0) + 1);
    },
  });
  await eventually(() => handled.size === 50, { timeoutMs: 20_000 });
  assert.ok(wholeBatches > 0);
  assert.deepEqual([...handled.values()], Array(50).fill(1));
  assert.equal(await metric(bus.registry, 'berth_consumer_redeliveries_total{consumer="reader"}'), 2);
  assert.equal(await metric(bus.registry, 'berth_consumer_messages_total{consumer="reader",outcome="retried"}'), 2);
  assert.equal(await metric(bus.registry, 'berth_consumer_messages_total{consumer="reader",outcome="handled"}'), 50);
});

test('a message that is invalid or cannot be read ends as a dead letter, once, and never comes again', async (t) => {
  const world = await newWorld(t);
  const bus = await world.bus();
  const outbox = await world.outbox(bus);
  let deliveries = 0;
  const handled: string[] = [];
  await outbox.transaction(async (_sql, send) => {
    send(message('good'));
    send(message('bad'));
    send({ ...message('garbage'), payload: new Uint8Array([255, 255, 255]) });
    send(message('also good'));
  });
  world.consume(bus, {
    handle: async (batch) => {
      deliveries += batch.filter((one) => one.message.id === 'bad').length;
      if (batch.some((one) => one.message.id === 'bad')) throw new DomainError('invalid', 'TEST', 'Bad it is.');
      handled.push(...batch.map((one) => one.message.id));
    },
  });
  const letters = () => world.database.query<{ reason: string }>('SELECT reason FROM dead_letters ORDER BY reason');
  await eventually(async () => (await letters()).length === 2 && handled.length === 2);
  assert.deepEqual(await letters(), [{ reason: 'Bad it is.' }, { reason: 'The message could not be read.' }]);
  assert.equal(await metric(bus.registry, 'berth_consumer_messages_total{consumer="reader",outcome="dead"}'), 2);
  const info = await bus.manager.consumers.info(streamName(bus, stream), 'reader');
  await eventually(async () => {
    const { num_ack_pending } = await bus.manager.consumers.info(streamName(bus, stream), 'reader');
    return num_ack_pending === 0;
  });
  assert.ok(deliveries <= 2, 'at most with the batch and alone');
  assert.equal(info.num_redelivered, 0);
});

test('a failure of everything is tried again later as a whole, not message by message', async (t) => {
  const world = await newWorld(t);
  const bus = await world.bus();
  const outbox = await world.outbox(bus);
  await sendAll(outbox, numbered(40));
  await eventually(async () => (await bus.manager.streams.info(streamName(bus, stream))).state.messages === 40);
  let calls = 0;
  const handled = new Set<string>();
  let away = true;
  world.consume(bus, {
    handle: async (batch) => {
      calls++;
      if (away) throw new DomainError('unavailable', 'TEST', 'Away.');
      for (const one of batch) handled.add(one.message.id);
    },
  });
  const retried = () => metric(bus.registry, 'berth_consumer_messages_total{consumer="reader",outcome="retried"}');
  await eventually(async () => (await retried()) >= 40);
  assert.ok(calls < 20, `${calls} calls`);
  away = false;
  await eventually(() => handled.size === 40);
});

test('redeliveries pause longer each time', async (t) => {
  const world = await newWorld(t);
  const bus = await world.bus();
  const outbox = await world.outbox(bus);
  const times: number[] = [];
  await sendAll(outbox, ['again']);
  world.consume(bus, {
    handle: async () => {
      times.push(performance.now());
      if (times.length < 5) throw new Error('not yet');
    },
  });
  await eventually(() => times.length === 5);
  const pauses = times.slice(1).map((time, i) => time - (times[i] ?? 0));
  const least = [150, 300, 600, 1_200];
  for (const [i, pause] of pauses.entries()) assert.ok(pause >= (least[i] ?? 0) - 5, `pause ${i} was ${pause} ms`);
});

test('a stop gives back at once what it has not begun, and acknowledges what it has', async (t) => {
  const world = await newWorld(t);
  const [one, two] = [await world.bus(), await world.bus()];
  const outbox = await world.outbox(one);
  await sendAll(outbox, numbered(100));
  const began = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  const first: string[] = [];
  const consumption = world.consume(one, {
    batchSize: 20,
    handle: async (batch) => {
      began.resolve();
      await finish.promise;
      first.push(...batch.map((each) => each.message.id));
    },
  });
  await began.promise;
  const stopping = consumption.stop();
  const second: string[] = [];
  const startedAt = performance.now();
  world.consume(two, {
    batchSize: 20,
    handle: async (batch) => void second.push(...batch.map((each) => each.message.id)),
  });
  const expected = () => 100 - first.length;
  await eventually(() => second.length >= 80, { timeoutMs: 5_000 });
  assert.ok(performance.now() - startedAt < 5_000, 'no ack wait was waited for');
  finish.resolve();
  await stopping;
  await eventually(() => second.length === expected());
  assert.ok(performance.now() - startedAt < 5_000, 'nothing was lost on its way');
  assert.deepEqual([...first, ...second].toSorted(), numbered(100).toSorted());
});

test('a slow handler is not given more than it can hold, and keeps what it holds from others', async (t) => {
  const world = await newWorld(t);
  const [one, two] = [await world.bus(), await world.bus()];
  const outbox = await world.outbox(one);
  await sendAll(outbox, numbered(30));
  const seen: string[] = [];
  const finish = Promise.withResolvers<void>();
  const began = Promise.withResolvers<void>();
  const handle = async (batch: readonly { message: { id: string } }[]) => {
    seen.push(...batch.map((each) => each.message.id));
    if (seen.length === batch.length) {
      began.resolve();
      await finish.promise; // longer than the ack wait
    }
  };
  world.consume(one, { batchSize: 5, ackWaitMs: 1_500, handle });
  await began.promise;
  const pending = async () => {
    const info = await one.manager.consumers.info(streamName(one, stream), 'reader');
    return info.num_ack_pending;
  };
  await eventually(async () => (await pending()) >= 10);
  assert.ok((await pending()) <= 15, 'two batches beside the one in work');
  world.consume(two, { batchSize: 5, ackWaitMs: 1_500, handle });
  await eventually(() => seen.length >= 15);
  const waitedFrom = performance.now();
  await eventually(() => performance.now() - waitedFrom > 3_500, { everyMs: 100 });
  finish.resolve();
  await eventually(() => seen.length >= 30);
  assert.equal(new Set(seen).size, 30);
  assert.equal(seen.length, 30, 'nothing was given to the other replica meanwhile');
});

test('what a killed replica had in work comes to another one after the ack wait', async (t) => {
  const world = await newWorld(t);
  const [one, two] = [await world.bus(), await world.bus()];
  const outbox = await world.outbox(two);
  await sendAll(outbox, ['orphan']);
  const began = Promise.withResolvers<void>();
  const never = Promise.withResolvers<void>();
  world.consume(one, {
    ackWaitMs: 1_500,
    handle: () => {
      began.resolve();
      return never.promise;
    },
  });
  await began.promise;
  await one.connection.close(); // as its death looks from outside
  const seen: number[] = [];
  world.consume(two, { handle: async (batch) => void seen.push(...batch.map((each) => each.deliveryCount)) });
  await eventually(() => seen.length === 1, { timeoutMs: 20_000 });
  assert.deepEqual(seen, [2]);
  never.resolve();
});

for (const what of ['consumer', 'stream'] as const) {
  test(`a ${what} that is deleted while it is consumed is made again by itself`, async (t) => {
    const world = await newWorld(t);
    const bus = await world.bus();
    const outbox = await world.outbox(bus);
    const seen = new Set<string>();
    world.consume(bus, {
      handle: async (batch) => {
        for (const one of batch) seen.add(one.message.id);
      },
    });
    await sendAll(outbox, ['before']);
    await eventually(() => seen.has('before'));
    if (what === 'consumer') await bus.manager.consumers.delete(streamName(bus, stream), 'reader');
    else await bus.manager.streams.delete(streamName(bus, stream));
    await sendAll(outbox, ['after']);
    await eventually(() => seen.has('after'), { timeoutMs: 20_000 });
  });
}

test('replicas of a consumer share the messages, and those beside its filter come to neither', async (t) => {
  const world = await newWorld(t);
  const [one, two] = [await world.bus(), await world.bus()];
  const outbox = await world.outbox(one);
  const seen: string[] = [];
  for (const bus of [one, two]) {
    world.consume(bus, {
      filter: 'test.mine',
      batchSize: 1,
      handle: async ([each]) => void seen.push(`${each?.subject} ${each?.message.id}`),
    });
  }
  await outbox.transaction(async (_sql, send) => {
    for (const id of numbered(30)) send(message(id, 'test.mine'));
    for (const id of numbered(30)) send(message(id, 'test.other'));
  });
  await eventually(() => seen.length >= 30);
  assert.deepEqual(
    seen.toSorted(),
    numbered(30)
      .map((id) => `test.mine ${id}`)
      .toSorted(),
  );
});

test('a drain of the connection stops its consumers first, and stopping twice is stopping once', async (t) => {
  const world = await newWorld(t);
  const [one, two] = [await world.bus(), await world.bus()];
  const outbox = await world.outbox(two);
  const began = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  let finished = false;
  const consumption = world.consume(one, {
    handle: async () => {
      began.resolve();
      await finish.promise;
      finished = true;
    },
  });
  await sendAll(outbox, ['in work']);
  await began.promise;
  const drained = one.drain();
  finish.resolve();
  await drained;
  assert.ok(finished);
  await consumption.stop();
  const info = await two.manager.consumers.info(streamName(two, stream), 'reader');
  assert.equal(info.num_ack_pending, 0, 'its acknowledgement was sent before the connection closed');
});

test('a consumer that is started while NATS is away begins when it is there', async (t) => {
  const nats = await ownNats(t);
  const world = await newWorld(t, nats);
  const bus = await world.bus();
  const outbox = await world.outbox(bus);
  await nats.kill();
  await eventually(() => !bus.isConnected());
  const seen: string[] = [];
  world.consume(bus, { handle: async (batch) => void seen.push(...batch.map((each) => each.message.id)) });
  await sendAll(outbox, ['late']);
  await nats.start();
  await eventually(() => seen.includes('late'), { timeoutMs: 30_000 });
  await nats.kill();
  await eventually(() => !bus.isConnected());
  const startedAt = performance.now();
  await outbox.stop();
  await bus.drain();
  assert.ok(performance.now() - startedAt < 8_000, 'a server that is away does not hold up the stop');
});

test('replicas that come and go under load lose nothing, repeat nothing, and wait for no ack wait', async (t) => {
  const world = await newWorld(t);
  const [one, two] = [await world.bus(), await world.bus()];
  const outbox = await world.outbox(one);
  await sendAll(outbox, numbered(3_000));
  const seen = new Map<string, number>();
  const handle = async (batch: readonly { message: { id: string } }[]) => {
    await new Promise((resolve) => setImmediate(resolve));
    for (const { message: each } of batch) seen.set(each.id, (seen.get(each.id) ?? 0) + 1);
  };
  const ackWaitMs = 200_000; // far beyond what a busy machine takes for the rest
  const startedAt = performance.now();
  for (let round = 1; round <= 6; round++) {
    const consumption = world.consume(round % 2 === 0 ? one : two, { batchSize: 50, handle, ackWaitMs });
    await eventually(() => seen.size >= round * 300, { everyMs: 1, timeoutMs: 150_000 });
    await consumption.stop();
  }
  world.consume(one, { handle, ackWaitMs });
  await eventually(() => seen.size === 3_000, { timeoutMs: 150_000 });
  assert.ok(performance.now() - startedAt < ackWaitMs - 20_000, 'no ack wait was waited for');
  assert.deepEqual([...new Set(seen.values())], [1]);
});
