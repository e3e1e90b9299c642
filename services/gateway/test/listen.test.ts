import assert from 'node:assert/strict';
import { test } from 'node:test';
import underPressure from '@fastify/under-pressure';
import Fastify from 'fastify';
import type { App } from '../src/adapters/http/app-types.ts';
import { listen } from '../src/adapters/http/server/listen.ts';

test('nobody is refused because building the server held the event loop', async (t) => {
  const app = Fastify() as unknown as App;
  t.after(() => app.close());
  await app.register(underPressure, { maxEventLoopDelay: 200 });
  app.get('/', () => 'here');
  await app.ready();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500); // as a busy machine does
  const url = await listen(app, { host: '127.0.0.1', port: 0, reusePort: false });
  assert.equal((await fetch(url)).status, 200);
});
