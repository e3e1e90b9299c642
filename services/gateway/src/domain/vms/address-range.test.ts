import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { WrongValue } from '../field-checks.ts';
import { formatIpv4, parseIpv4 } from '../ipv4.ts';
import { parseAddressRange } from './address-range.ts';

const range = (first: string, last: string) => ({ first, last });
const wrongPart = (part: string) => (error: unknown) => error instanceof WrongValue && error.within === part;

test('a base is a network’s beginning, and start and end are counted from it', () => {
  const expected = range('10.10.1.50', '10.10.1.99');
  for (const base of ['10.10.1', '10.10.1.', '10.10.1.0']) {
    assert.deepEqual(parseAddressRange({ base, start: 50, end: 99 }), expected, base);
  }
  assert.deepEqual(parseAddressRange({ base: '10.10.0.0', start: 300, end: 301 }), range('10.10.1.44', '10.10.1.45'));
  assert.deepEqual(parseAddressRange({ base: '10.10', start: 1, end: 65_535 }), range('10.10.0.1', '10.10.255.255'));
  assert.deepEqual(parseAddressRange({ base: '10.10.0', start: 1, end: 2 }), range('10.10.0.1', '10.10.0.2'));
});

test('a base that ends in a host, or is none, is refused; so is what lies beyond it', () => {
  for (const base of ['10.10.1.50', '', 'x', '10.10.1.0.0', '0.0.0.0', '256.1.1', '010.1.1']) {
    assert.throws(() => parseAddressRange({ base, start: 1, end: 2 }), wrongPart('base'), base);
  }
  assert.throws(() => parseAddressRange({ base: '10.10.1', start: 1, end: 256 }), wrongPart('end'));
  assert.throws(() => parseAddressRange({ base: '10.10.1', start: 9, end: 8 }), wrongPart('end'));
});

test('a network stands for all of its addresses', () => {
  assert.deepEqual(parseAddressRange({ cidr: '10.10.1.64/28' }), range('10.10.1.64', '10.10.1.79'));
  assert.deepEqual(parseAddressRange({ cidr: '10.10.77.5/32' }), range('10.10.77.5', '10.10.77.5'));
  assert.deepEqual(parseAddressRange({ cidr: '0.0.0.0/0' }), range('0.0.0.0', '255.255.255.255'));
  for (const cidr of ['10.10.1.5/24', '10.10.1.0', '10.10.1.0/33', '10.10.1.0/', '10.10.1.0/24/8', '10.10.1.0/024']) {
    assert.throws(() => parseAddressRange({ cidr }), wrongPart('cidr'), cidr);
  }
});

test('of first and last, any two addresses in order are taken and any others are refused', () => {
  const address = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  fc.assert(
    fc.property(address, address, (a, b) => {
      const given = range(formatIpv4(a), formatIpv4(b));
      if (a <= b) assert.deepEqual(parseAddressRange(given), given);
      else assert.throws(() => parseAddressRange(given), wrongPart('last'));
      assert.equal(parseIpv4(given.first), a);
    }),
  );
});
