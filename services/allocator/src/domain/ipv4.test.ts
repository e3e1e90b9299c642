import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatIpv4, hostAddresses, parseAddressRange, parseIpv4, parsePrefix } from './ipv4.ts';
import { generateMac, normalizeMac } from './mac-address.ts';

test('an address that is written is read back as the same', () => {
  fc.assert(fc.property(fc.nat(0xff_ff_ff_ff), (number) => parseIpv4(formatIpv4(number)) === number));
});

test('only dotted decimal without leading zeros is an address', () => {
  for (const text of ['', '1.2.3', '1.2.3.4.5', '256.0.0.1', '01.2.3.4', '1.2.3.4 ', '::1', '1e1.0.0.1']) {
    assert.equal(parseIpv4(text), undefined, text);
  }
});

test('a prefix is a range when nothing is set behind its length', () => {
  assert.deepEqual(parsePrefix('10.0.0.0/30'), { first: 167_772_160, last: 167_772_163 });
  assert.deepEqual(hostAddresses({ first: 0, last: 3 }), { first: 1, last: 2 });
  assert.deepEqual(hostAddresses({ first: 0, last: 1 }), { first: 0, last: 1 });
  for (const text of ['10.0.0.1/24', '10.0.0.0', '10.0.0.0/33', '10.0.0.0/'])
    assert.equal(parsePrefix(text), undefined);
  assert.deepEqual(parseAddressRange('0.0.0.1 - 0.0.0.9'), { first: 1, last: 9 });
  assert.equal(parseAddressRange('0.0.0.9-0.0.0.1'), undefined);
});

test('a generated MAC address is one that may be given, and local', () => {
  for (let count = 0; count < 200; count++) {
    const mac = generateMac();
    assert.equal(normalizeMac(mac), mac);
    assert.equal(Number.parseInt(mac.slice(0, 2), 16) & 0b11, 0b10);
  }
});
