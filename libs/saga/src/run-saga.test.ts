import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DomainError } from '@berth/errors';
import { resumeSaga, runSaga } from './run-saga.ts';
import { again, done, failed, finished, type Progressed, type Saga, waiting } from './saga.ts';
import { sagaTests } from './standard-tests.ts';

interface Order {
  readonly id: string;
}

/** Rooms and keys of a hotel, as a saga sees them. */
interface Hotel {
  readonly rooms: Set<string>;
  readonly asked: Set<string>;
  readonly keys: Set<string>;
}

const full = new DomainError('exhausted', 'FULL', 'No room is left.');
const openHotel = (): Hotel => ({ rooms: new Set(), asked: new Set(), keys: new Set() });

const checkIn: Saga<Order, Hotel> = {
  name: 'check-in',
  pivot: 'ask-guest',
  steps: [
    {
      name: 'reserve-room',
      async run(orders, hotel) {
        for (const { id } of orders) if (!id.startsWith('unlucky')) hotel.rooms.add(id);
        return new Map(orders.flatMap(({ id }) => (id.startsWith('unlucky') ? [[id, failed(full)]] : [])));
      },
      async undo(orders, hotel) {
        for (const { id } of orders) hotel.rooms.delete(id);
      },
    },
    {
      name: 'ask-guest',
      async run(orders, hotel) {
        for (const { id } of orders) hotel.asked.add(id);
        return new Map(orders.map(({ id }) => [id, id === 'regular' ? finished : waiting]));
      },
      async undo(orders, hotel) {
        for (const { id } of orders) hotel.asked.delete(id);
      },
    },
    {
      name: 'hand-over-key',
      async run(orders, hotel) {
        for (const { id } of orders) hotel.keys.add(id);
        return new Map();
      },
      // No undo: the guest is in.
    },
  ],
};

const states = (progressed: readonly Progressed<Order>[]) =>
  Object.fromEntries(progressed.map(({ instance, progress }) => [instance.id, progress.state]));
const store = { save: async () => {} };

test('instances share a step and one that fails takes back itself alone', async () => {
  const hotel = openHotel();
  const orders = [{ id: 'a' }, { id: 'unlucky' }, { id: 'regular' }];
  const progressed = await runSaga(checkIn, orders, { deps: hotel, store });
  assert.deepEqual(states(progressed), { a: 'waiting', unlucky: 'failed', regular: 'succeeded' });
  assert.deepEqual([...hotel.rooms], ['a', 'regular']);
});

test('an answer takes a waiting instance to its end, back, or to another start', async () => {
  const hotel = openHotel();
  const orders = [{ id: 'a' }, { id: 'b' }, { id: 'c' }];
  await runSaga(checkIn, orders, { deps: hotel, store });
  const answers = [done, failed(full), again];
  const resumed = orders.map((instance, index) => ({
    instance,
    step: 'ask-guest',
    outcome: answers[index] ?? done,
  }));
  const progressed = await resumeSaga(checkIn, resumed, { deps: hotel, store });
  assert.deepEqual(states(progressed), { a: 'succeeded', b: 'failed', c: 'again' });
  assert.deepEqual(
    [hotel.rooms, hotel.asked, hotel.keys].map((held) => [...held]),
    [['a'], ['a'], ['a']],
  );
});

test('progress is saved once for all, and a failed save fails the run', async () => {
  const saved: unknown[] = [];
  await runSaga(checkIn, [{ id: 'a' }, { id: 'b' }], {
    deps: openHotel(),
    store: { save: async (progressed) => void saved.push(states(progressed)) },
  });
  assert.deepEqual(saved, [{ a: 'waiting', b: 'waiting' }]);
  const broken = { save: () => Promise.reject(new Error('disk full')) };
  await assert.rejects(runSaga(checkIn, [{ id: 'a' }], { deps: openHotel(), store: broken }), /disk full/);
});

test('a step that is not there is a mistake', async () => {
  const resumed = [{ instance: { id: 'a' }, step: 'tip', outcome: done }];
  await assert.rejects(resumeSaga(checkIn, resumed, { deps: openHotel(), store }), /no step tip/);
});

sagaTests(test, checkIn, async () => {
  let hotel = openHotel();
  return {
    instance: { id: 'a' },
    stored: async () => ({ id: 'a' }),
    snapshot: async () => hotel,
    async transaction(work) {
      const copy = { rooms: new Set(hotel.rooms), asked: new Set(hotel.asked), keys: new Set(hotel.keys) };
      const result = await work(copy, store);
      hotel = copy;
      return result;
    },
  };
});
