import assert from 'node:assert/strict';
import { test } from 'node:test';
import { envReader } from './config-reader.ts';
import { readDatabaseUrl, readNatsUrl } from './server-urls.ts';

const reading = (env: Record<string, string>, setting: typeof readNatsUrl): string => {
  const read = envReader(env);
  return read.finish(setting(read));
};

test('a bus is one server or several, with and without a scheme', () => {
  for (const url of [
    'nats://127.0.0.1:4222',
    'tls://u:p%40ss@a:4222, tls://b:4222',
    'localhost:4222',
    '10.0.0.1:4222',
  ]) {
    assert.equal(reading({ NATS_URL: url }, readNatsUrl), url);
  }
});

test('what is no bus is refused without its value', () => {
  for (const url of ['http://planted', 'nats://', 'nats://a:4222,http://planted', 'nats://planted:x', ',']) {
    assert.throws(
      () => reading({ NATS_URL: url }, readNatsUrl),
      (error: Error) => /NATS_URL must be nats:/.test(error.message) && !error.message.includes('planted'),
      url,
    );
  }
  assert.throws(() => reading({}, readNatsUrl), /NATS_URL is missing$/);
});

test('a database is a Postgres', () => {
  for (const url of ['postgres://u:p@h/berth?sslmode=verify-full', 'postgresql://h/berth']) {
    assert.equal(reading({ DATABASE_URL: url }, readDatabaseUrl), url);
  }
  assert.throws(
    () => reading({ DATABASE_URL: 'mysql://planted' }, readDatabaseUrl),
    /DATABASE_URL must begin with postgres:\/\/$/,
  );
  assert.throws(() => reading({ DATABASE_URL: 'planted' }, readDatabaseUrl), /DATABASE_URL must be a URL$/);
});
