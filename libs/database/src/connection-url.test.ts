import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectTimeoutMs, withServerOptions } from './connection-url.ts';

const optionsOf = (url: string) => new URL(url).searchParams.get('options');

test('settings are put into the URL', () => {
  const url = withServerOptions('postgres://a:p%40ss@db:5432/berth', { search_path: 'auth,public' });
  assert.equal(optionsOf(url), '-c search_path=auth,public');
  assert.equal(new URL(url).password, 'p%40ss');
});

test('options and parameters that the URL has already stay, ours come last and so win', () => {
  const url = withServerOptions('postgres://a@db/berth?sslmode=verify-full&options=-c%20geqo%3Doff', {
    search_path: 'auth',
  });
  assert.equal(optionsOf(url), '-c geqo=off -c search_path=auth');
  assert.equal(new URL(url).searchParams.get('sslmode'), 'verify-full');
});

test('how long to wait for a connection stands in the URL, in seconds', () => {
  assert.equal(connectTimeoutMs('postgres://a@db/berth?connect_timeout=60', 5_000), 60_000);
  assert.equal(connectTimeoutMs('postgres://a@db/berth?connect_timeout=0', 5_000), 0);
  for (const url of ['postgres://a@db/berth', 'postgres://a@db/berth?connect_timeout=soon']) {
    assert.equal(connectTimeoutMs(url, 5_000), 5_000);
  }
});
