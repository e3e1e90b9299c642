import assert from 'node:assert/strict';
import { test } from 'node:test';
import { envReader } from './config-reader.ts';
import { readPublicUrl } from './public-url.ts';

const publicUrl = (url?: string): string => {
  const read = envReader(url === undefined ? {} : { BERTH_PUBLIC_URL: url });
  return read.finish(readPublicUrl(read));
};

test('where people reach it has no slash at its end', () => {
  assert.equal(publicUrl(), 'http://127.0.0.1:8800');
  assert.equal(publicUrl('https://berth.example.org/api//'), 'https://berth.example.org/api');
});

test('plain HTTP is for this machine alone', () => {
  for (const url of [
    'http://127.0.0.1:8800',
    'http://127.9.9.9',
    'http://[::1]:80',
    'http://localhost',
    'http://berth.localhost',
  ]) {
    assert.equal(publicUrl(url), url);
  }
  for (const url of [
    ...[
      'http://berth.example.org',
      'http://10.0.0.1:8800',
      'HTTP://Berth.Example.Org/',
      'http://127.0.0.1.example.org',
    ],
    ...['http://127.0.0.1@10.0.0.1', 'http://localhost.example.org', 'http://[fd00::1]', 'http://0.0.0.0:8800'],
  ]) {
    assert.throws(() => publicUrl(url), /BERTH_PUBLIC_URL is plain HTTP/, url);
  }
});

test('what everybody sees holds no password, and links can go on from it', () => {
  for (const url of ['https://u:secret@berth.example', 'https://berth.example?a=1', 'http://localhost/#x']) {
    assert.throws(
      () => publicUrl(url),
      (error: Error) => /BERTH_PUBLIC_URL must have no user/.test(error.message) && !error.message.includes('secret'),
      url,
    );
  }
});

test('what is no address of the web is refused', () => {
  for (const url of ['ftp://127.0.0.1', 'javascript:alert(1)', 'berth:8800']) {
    assert.throws(() => publicUrl(url), /BERTH_PUBLIC_URL must begin with https:/, url);
  }
  assert.throws(() => publicUrl('not a url'), /BERTH_PUBLIC_URL must be a URL/);
});
