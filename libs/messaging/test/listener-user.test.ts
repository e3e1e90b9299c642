import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ownNats } from '@berth/testing';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';

const page = readFileSync(new URL('../../../docs/events.md', import.meta.url), 'utf8');
const refused = /permissions violation/i;

test('a user with the permissions of docs/events.md reads events with its own consumer, and can do nothing else', async (t) => {
  const user = /\{ user: my-program, .*?\n {2}\} \}/s.exec(page)?.[0].replace('$MY_PROGRAM_NATS_PASSWORD', 'two') ?? '';
  assert.match(user, /publish/);
  const server = await ownNats(t, { users: user });
  const { host, username, password } = new URL(server.url);
  const berth = await connect({ servers: host, user: username, pass: password });
  const streams = await jetstreamManager(berth);
  await streams.streams.add({ name: 'berth_EVENTS', subjects: ['berth.events.>'] });
  await streams.streams.add({ name: 'berth_AUDIT', subjects: ['berth.audit.>'] });
  await streams.consumers.add('berth_EVENTS', { durable_name: 'notices' });
  await jetstream(berth).publish('berth.events.access.user.banned.a', 'banned');

  const inboxPrefix = '_INBOX_my-program';
  const listener = await connect({ servers: host, user: 'my-program', pass: 'two', inboxPrefix });
  t.after(() => Promise.all([listener.close(), berth.close()]));
  const manager = await jetstreamManager(listener);
  const config = {
    durable_name: 'my-program',
    ack_policy: 'explicit',
    filter_subject: 'berth.events.access.>',
  } as const;
  await manager.consumers.add('berth_EVENTS', config);
  const consumer = await jetstream(listener).consumers.get('berth_EVENTS', 'my-program');
  const message = await consumer.next({ expires: 5_000 });
  assert.equal(message?.string(), 'banned');
  assert.ok(await message?.ackAck());

  const attempts: Record<string, () => Promise<unknown>> = {
    'a command': () => listener.request('berth.rpc.berth.auth.v1.SessionService.SignIn', '', { timeout: 2_000 }),
    'an event of its own': () => jetstream(listener).publish('berth.events.operation.ended.a', ''),
    'a consumer of another name': () => manager.consumers.add('berth_EVENTS', { durable_name: 'notices' }),
    'a consumer of another stream': () => manager.consumers.add('berth_AUDIT', config),
    'the end of a consumer': () => manager.consumers.delete('berth_EVENTS', 'notices'),
    'the end of the stream': () => manager.streams.delete('berth_EVENTS'),
  };
  for (const [what, attempt] of Object.entries(attempts)) await assert.rejects(attempt, refused, what);
  for (const subject of ['berth.rpc.>', 'berth.audit.>', '_INBOX.>', '>']) {
    const heard = listener.subscribe(subject);
    await assert.rejects(async () => {
      for await (const { subject: what } of heard) assert.fail(`heard ${what}`);
    }, refused);
  }
});
