import assert from 'node:assert/strict';
import { test } from 'node:test';
import { senderOf } from './compose.ts';
import { smtpServerOf } from './smtp-transport.ts';

test('mails and passwords leave this machine over TLS alone', () => {
  const terms = (url: string) => {
    const { host, port, secure, requireTLS } = smtpServerOf(url);
    return [host, port, secure, requireTLS];
  };
  assert.deepEqual(terms('smtp://mail.example.org'), ['mail.example.org', 587, false, true]);
  assert.deepEqual(terms('smtps://mail.example.org'), ['mail.example.org', 465, true, false]);
  assert.deepEqual(terms('smtp://192.0.2.1:25/'), ['192.0.2.1', 25, false, true]);
  assert.deepEqual(terms('smtp://127.0.0.1.example.org'), ['127.0.0.1.example.org', 587, false, true]);
  for (const here of ['127.0.0.1', 'localhost', '[::1]']) assert.equal(terms(`smtp://${here}:2525`)[3], false, here);
  assert.deepEqual(smtpServerOf('smtp://me%40x:p%40ss@h').auth, { user: 'me@x', pass: 'p@ss' });
});

test('what could turn TLS off, or is no server, is refused without being shown', () => {
  for (const url of [
    'smtp://me:geheim@h?ignoreTLS=true',
    'smtp://me:geheim@h/?x',
    'http://me:geheim@h',
    'geheim',
    'smtp://',
  ])
    assert.throws(
      () => smtpServerOf(url),
      (error: Error) => !error.message.includes('geheim'),
    );
});

test('a sender is one address, with a name or without', () => {
  assert.deepEqual(senderOf('Berth at X <berth@example.org>'), { name: 'Berth at X', address: 'berth@example.org' });
  assert.deepEqual(senderOf('berth@example.org'), { name: 'Berth', address: 'berth@example.org' });
  for (const wrong of ['', 'berth', 'a@b, c@d', 'x <a@b>\r\nBcc: <c@d>', 'a b@c'])
    assert.equal(senderOf(wrong), undefined, wrong);
});
