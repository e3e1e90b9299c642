import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddressRange } from '../ipv4.ts';
import { poolsFromSettings } from './default-pools.ts';

const settings = {
  addressRange: parseAddressRange('10.0.0.100-10.0.0.107'),
  addressRangeFor: 'default',
  portRange: { first: 32_000, last: 32_031 },
  ruleRange: { first: 10_000, last: 10_063 },
};

const addressesOf = (name: string, dhcpSubnet: string) => {
  const site = { wanInterface: 'eth0', externalIp: '192.0.2.1', dhcpNetwork: 'LAN', dhcpSubnet };
  const [pool] = poolsFromSettings(settings)({ name, site });
  return pool?.kind === 'ip-pools' ? [pool.cidrs, pool.ranges] : undefined;
};

test('the range of the settings is that of their router, and of others where it lies in their subnet', () => {
  const range = [[], [settings.addressRange]];
  assert.deepEqual(addressesOf('default', '10.0.0.0/16'), range);
  assert.deepEqual(addressesOf('default', '172.16.0.0/16'), range, 'a range that does not fit is for people to see');
  assert.deepEqual(addressesOf('edge', '10.0.0.0/16'), range);
  assert.deepEqual(addressesOf('edge', '172.16.0.0/16'), [['172.16.0.0/16'], []]);
});

test('a router whose place is not known has no pools', () => {
  assert.deepEqual(poolsFromSettings(settings)({ name: 'default', site: null }), []);
});
