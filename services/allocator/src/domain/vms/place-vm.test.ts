import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKind } from '@berth/errors';
import { parseAddressRange } from '../ipv4.ts';
import { type OfferedPool, PoolDirectory } from '../pools/pool-directory.ts';
import type { Router } from '../routers/router.ts';
import { placeVm } from './place-vm.ts';

const router: Router = {
  name: 'r',
  state: 'ok',
  retryAfterSeconds: 0,
  reason: '',
  site: { wanInterface: 'eth0', externalIp: '203.0.113.2', dhcpNetwork: 'LAN', dhcpSubnet: '10.0.0.0/24' },
  gateway: '10.0.0.1',
  subnets: [],
  interfaces: [],
  inventory: 1n,
  inventoryLoaded: 1n,
};

const aPool = (kind: OfferedPool['kind'], name: string, more: Partial<OfferedPool> = {}): OfferedPool => ({
  id: `${kind} ${name}`,
  kind,
  name,
  router: 'r',
  groups: [],
  state: 'active',
  site: {},
  protocols: ['tcp', 'udp'],
  ...more,
});

const pools = [
  aPool('ip-pools', 'all', { site: { dhcpNetwork: 'LAN', dhcpSubnet: '10.0.0.0/24' } }),
  aPool('ip-pools', 'blue', { groups: ['blue'], site: { dhcpNetwork: 'DMZ', dhcpSubnet: '10.7.0.0/24' } }),
  aPool('port-pools', 'all'),
  aPool('port-pools', 'second', { site: { externalIp: '198.51.100.9', wanInterface: 'eth4' } }),
  aPool('rule-pools', 'all'),
  aPool('ip-pools', 'elsewhere', { router: 'other' }),
];
const defaultOf = (kind: OfferedPool['kind'], name: string, group = '') => ({
  router: 'r',
  kind,
  group,
  poolId: `${kind} ${name}`,
});
const directory = new PoolDirectory(pools, [
  defaultOf('ip-pools', 'all'),
  defaultOf('ip-pools', 'blue', 'blue'),
  defaultOf('ip-pools', 'blue', 'red'), // whose right to it ended
  defaultOf('port-pools', 'all'),
]);

const place = (group: string, named: { ip?: string; port?: string; rule?: string } = {}, range = '') => {
  const wish = {
    addressRange: range ? parseAddressRange(range) : undefined,
    pools: { ip: '', port: '', rule: '', ...named },
  };
  const { site, sources } = placeVm(router, directory, wish, group);
  const name = ({ pool, only }: typeof sources.ports) => `${pool?.name}${only ? ' only' : ''}`;
  return [site.dhcpSubnet, site.externalIp, name(sources.address), name(sources.ports), name(sources.rules)];
};

test('a VM’s pools are those it names, else its group’s defaults, else the router’s', () => {
  assert.deepEqual(place(''), ['10.0.0.0/24', '203.0.113.2', 'all', 'all', 'undefined']);
  assert.deepEqual(place('blue'), ['10.7.0.0/24', '203.0.113.2', 'blue', 'all', 'undefined']);
  assert.deepEqual(place('red')[2], 'undefined');
  assert.deepEqual(place('blue', { ip: 'all', port: 'port-pools/second', rule: 'all' }), [
    '10.0.0.0/24',
    '198.51.100.9',
    'all only',
    'second only',
    'all only',
  ]);
  assert.deepEqual(place('blue', { ip: 'default' })[2], 'blue');
});

test('pools that are not there, are another group’s or another router’s are unknown, by the field that names them', () => {
  for (const [group, named, field] of [
    ['red', { ip: 'blue' }, 'pool'],
    ['', { ip: 'elsewhere' }, 'pool'],
    ['', { ip: 'ip-pools/default' }, 'pool'],
    ['', { port: 'ip-pools/all' }, 'port_pool'],
    ['', { rule: 'second' }, 'rule_pool'],
  ] as const) {
    assert.throws(
      () => place(group, named),
      (error) =>
        isKind(error, 'invalid') && error.code === 'UNKNOWN_POOL' && error.details.fields?.[0]?.field === field,
    );
  }
});

test('a wished range decides the subnet; of another one than the pool’s it is of no pool', () => {
  assert.deepEqual(place('', {}, '10.0.0.5-10.0.0.9'), ['10.0.0.0/24', '203.0.113.2', 'all', 'all', 'undefined']);
  assert.deepEqual(place('', {}, '10.7.0.5').slice(0, 3), ['10.7.0.0/24', '203.0.113.2', 'undefined']);
  assert.deepEqual(place('', { ip: 'all' }, '10.7.0.5').slice(0, 3), ['10.7.0.0/24', '203.0.113.2', 'all only']);
  assert.throws(() => place('', {}, '10.0.0.250-10.7.0.5'), {
    message: 'ip_range: must lie within a DHCP subnet of the router: 10.0.0.0/24, 10.7.0.0/24',
  });
});
