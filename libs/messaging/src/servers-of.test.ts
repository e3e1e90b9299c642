import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serversOf } from './servers-of.ts';

test('several servers share the credentials of the first that has any', () => {
  assert.deepEqual(serversOf('nats://a:4222, nats://user:p%40ss@b:4223'), {
    servers: ['a:4222', 'b:4223'],
    user: 'user',
    pass: 'p@ss',
  });
});

test('a name without a password is a token, and tls:// encrypts', () => {
  assert.deepEqual(serversOf('tls://s3cret@nats.example:4222'), {
    servers: ['nats.example:4222'],
    token: 's3cret',
    tls: {},
  });
});

test('a server may be named without a scheme', () => {
  assert.deepEqual(serversOf('localhost:4222'), { servers: ['localhost:4222'] });
});
