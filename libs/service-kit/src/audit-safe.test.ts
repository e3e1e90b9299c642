import assert from 'node:assert/strict';
import { test } from 'node:test';
import { safeForAudit, safeTextForAudit } from './audit-safe.ts';

const secret = 'correct horse battery';

test('what is named like a secret is not shown, however it is spelt and however deep it lies', () => {
  for (const name of [
    ...['password', 'newPassword', 'current_password', 'api_key', 'X-API-Key', 'refresh_token', 'clientSecret', 'code'],
    ...['private-key', 'Authorization', 'code_verifier', 'VYOS_API_KEYS', 'otp', 'secrets', 'passphrase', 'key'],
  ]) {
    for (const value of [{ [name]: secret }, { a: [{ b: { [name]: secret } }] }, { [name]: { value: secret } }]) {
      assert.ok(!JSON.stringify(safeForAudit(value)).includes('horse'), name);
    }
  }
});

test('what only says something about a secret is shown', () => {
  const value = {
    api_key_id: 'k1',
    access_token_seconds: 900,
    password_changed_at: 'now',
    has_password: true,
    keyboard_type: 'de',
  };
  assert.deepEqual(safeForAudit(value), value);
});

test('secrets are known by their shape, in values, in names and within texts', () => {
  for (const text of [
    'berth_0123abcd_0123456789012345678901234567890123456789abcdefghi',
    'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl',
    '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIH\n-----END PRIVATE KEY-----',
    '$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$aGFzaA',
    'aZ09-aZ09_aZ09-aZ09_aZ09-aZ09_aZ09-aZ09_aZ0',
  ]) {
    for (const value of [text, `it is ${text}, he said`, { [text]: 1 }, [text]]) {
      const shown = JSON.stringify(safeForAudit(value));
      assert.ok(shown.includes('[redacted]') && !shown.includes(text.slice(-8)), shown);
    }
  }
  assert.equal(
    safeForAudit('postgres://me:hunter2@db/x?token=abc&a=b'),
    'postgres://me:[redacted]@db/x?token=[redacted]&a=b',
  );
  assert.equal(safeForAudit('amqp://me:p/w:x@mq'), 'amqp://me:[redacted]@mq');
  assert.equal(safeForAudit('Bearer abcdef123'), 'Bearer [redacted]');
  // Short ones, too, although most short texts are not looked at closely.
  for (const [text, shown] of [
    ['eyJabcde.f', '[redacted]'],
    ['a.eyJabcde.f', 'a.[redacted]'],
    ['key=a', 'key=[redacted]'],
    ['a://b:c@', 'a://b:[redacted]@'],
    ['$2b$x', '[redacted]'],
    ['basic abcdef', 'basic [redacted]'],
  ])
    assert.equal(safeForAudit(text), shown);
});

test('ids, addresses and fingerprints are no secrets', () => {
  const value = [
    '0b6b2b53-2c1f-4d51-9ab2-6f0c1f1c8a11',
    '52:54:00:12:34:56',
    'a'.repeat(64),
    '2001:db8::1',
    '/v1/vms/provision',
  ];
  assert.deepEqual(safeForAudit(value), value);
});

test('a large value is cut, quickly, and half a secret at the edge is not shown', () => {
  const long = Array.from({ length: 200_000 }, (_, index) => ({ machine_name: `vm-${index}` }));
  const before = process.threadCpuUsage();
  const shown = JSON.stringify(safeForAudit({ items: long }));
  assert.ok(process.threadCpuUsage(before).user < 200_000);
  assert.ok(shown.length < 8_192 && shown.includes('[cut]'), `${shown.length}`);
  const atTheEdge = safeTextForAudit(`${'x '.repeat(8_190)}berth_0123abcd_0123456789`, 100_000);
  assert.ok(!atTheEdge.includes('berth_'));
});

test('what Postgres takes for no JSON is taken out', () => {
  assert.equal(safeForAudit('a\u0000b\ud800c'), 'ab\ufffdc');
  assert.deepEqual(safeForAudit({ 'a\u0000': undefined, 'b\u0000': 1n, c: Number.NaN }), { b: '1', c: null });
});

test('no text takes long', () => {
  const before = process.threadCpuUsage();
  for (const part of ['eyJ', 'a', 'token', 'a://', 'bearer ', '-----BEGIN ', 'berth_', '$argon2', 'aA0', 'eyJaaaaa.'])
    safeTextForAudit(part.repeat(100_000), 4_096);
  // Addresses that are none, and a word that ends just where the look does: twenty of them fit into one body.
  for (let i = 0; i < 20; i++) {
    for (const text of ['a://b:'.repeat(2_700), `${'aA0'.repeat(5_461)} and more`]) safeTextForAudit(text, 4_096);
  }
  const { user } = process.threadCpuUsage(before);
  assert.ok(user < 500_000, `${user} µs`);
});
