import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseMacAddress } from './mac-address.ts';

test('every usual notation of an address gives the same lower case text with colons', () => {
  const unicast = fc
    .uint8Array({ minLength: 6, maxLength: 6 })
    .map((bytes) => bytes.map((byte, index) => (index === 0 ? byte & 0xfe : byte)))
    .filter((bytes) => bytes.some((byte) => byte !== 0))
    .map((bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')));
  fc.assert(
    fc.property(unicast, (octets) => {
      const expected = octets.join(':');
      const cisco = `${octets.slice(0, 2).join('')}.${octets.slice(2, 4).join('')}.${octets.slice(4).join('')}`;
      for (const text of [expected, octets.join('-'), octets.join('.'), cisco, expected.toUpperCase()]) {
        assert.equal(parseMacAddress(text), expected);
      }
    }),
  );
});

test('multicast, zero and mixed notations are refused', () => {
  assert.throws(() => parseMacAddress('01:00:5e:00:00:01'), /multicast/);
  assert.throws(() => parseMacAddress('ff:ff:ff:ff:ff:ff'), /multicast/);
  assert.throws(() => parseMacAddress('0000.0000.0000'), /zero/);
  for (const text of [
    '',
    '52:54:00:12:34',
    '52:54-00:12:34:56',
    '525400123456',
    '52:54:00:12:34:5g',
    '52:54:00:12:34:56 ',
  ]) {
    assert.throws(() => parseMacAddress(text), /MAC address/, text);
  }
});
