import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { contains, ipv4Network, ipv4Number, ipv4Text } from './ipv4.ts';

test('an address comes back from its number', () => {
  fc.assert(fc.property(fc.ipV4(), (address) => assert.equal(ipv4Text(ipv4Number(address) ?? -1), address)));
  for (const text of ['', '1.2.3', '1.2.3.256', '::1', '1.2.3.4/8', ' 1.2.3.4'])
    assert.equal(ipv4Number(text), undefined);
});

test('a prefix is the network that its address lies in', () => {
  const ends = (prefix: string) => {
    const network = ipv4Network(prefix);
    return network === undefined ? undefined : `${ipv4Text(network.first)} ${ipv4Text(network.last)}`;
  };
  assert.equal(ends('10.10.0.1/16'), '10.10.0.0 10.10.255.255');
  assert.equal(ends('192.0.2.1/32'), '192.0.2.1 192.0.2.1');
  assert.equal(ends('192.0.2.1/0'), '0.0.0.0 255.255.255.255');
  for (const prefix of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/', 'dhcp', '2001:db8::/32', '10.0.0.0/8/8']) {
    assert.equal(ends(prefix), undefined, prefix);
  }
});

test('a network contains its own addresses only', () => {
  const network = ipv4Network('10.10.0.0/16') ?? { first: 0, last: 0 };
  assert.ok(contains(network, '10.10.255.255'));
  assert.ok(!contains(network, '10.11.0.0'));
  assert.ok(!contains(network, 'nonsense'));
});
