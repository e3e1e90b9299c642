import assert from 'node:assert/strict';
import { test } from 'node:test';
import { networkTest, subjectOfAddress } from './counted-address.ts';

test('IPv4 is counted as it is, also inside IPv6; IPv6 by its first 64 bits, however it is written', () => {
  for (const [address, subject] of [
    ['192.0.2.1', 'ip:192.0.2.1'],
    ['::ffff:192.0.2.1', 'ip:192.0.2.1'],
    ['2001:db8:0:1:a:b:c:d', 'ip:2001:db8:0:1::/64'],
    ['2001:0DB8:0000:0001::', 'ip:2001:db8:0:1::/64'],
    ['2001:db8::1', 'ip:2001:db8:0:0::/64'],
    ['::1', 'ip:0:0:0:0::/64'],
    ['fe80::1%eth0', 'ip:fe80:0:0:0::/64'],
    ['64:ff9b::192.0.2.1', 'ip:64:ff9b:0:0::/64'],
  ] as const) {
    assert.equal(subjectOfAddress(address), subject);
  }
});

test('networks hold what is in them and nothing else; what is no network is refused', () => {
  const isInside = networkTest(['10.0.0.0/8', '192.0.2.1', '2001:db8::/32', '::1']);
  for (const inside of ['10.255.0.1', '::ffff:10.0.0.1', '192.0.2.1', '2001:db8:ffff::1', '::1']) {
    assert.ok(isInside(inside), inside);
  }
  for (const outside of ['11.0.0.1', '192.0.2.2', '2001:db9::1', '::2', 'nonsense', '']) {
    assert.ok(!isInside(outside), outside);
  }
  assert.ok(!networkTest([])('127.0.0.1'));
  for (const wrong of [
    '10.0.0.0/33',
    'example.org',
    '::1/129',
    '10.0.0.0/x',
    '10.0.0.0/-1',
    '10.0.0.0/',
    '::1/',
    '10.0.0.0/8/',
  ]) {
    assert.throws(() => networkTest([wrong]), RangeError, wrong);
  }
});
