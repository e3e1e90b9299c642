import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SessionFactSchema } from '@berth/contracts';
import { eventually } from '@berth/testing';
import { listen, notify } from '../src/index.ts';
import { newWorld } from './world.ts';

test('a notice reaches who listens, and a bus that drains or has ended tells none and throws nothing', async (t) => {
  const world = await newWorld(t);
  const [teller, listener] = [await world.bus(), await world.bus()];
  const heard: string[] = [];
  listen(listener, 'test.notice', SessionFactSchema, ({ id }) => void heard.push(id));
  await listener.ping();
  const tell = (id: string) => notify(teller, 'test.notice', SessionFactSchema, { id });
  tell('before');
  await eventually(() => heard.length > 0);
  const { promise: inWork, resolve: endWork } = Promise.withResolvers<void>();
  void teller.track(inWork);
  const drained = teller.drain();
  tell('while work ends');
  endWork();
  const watch = setInterval(() => tell('late'));
  await drained;
  clearInterval(watch);
  tell('after the end');
  await eventually(() => heard.includes('while work ends'));
  assert.equal(heard.includes('after the end'), false);
});
