import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DomainError } from '@berth/errors';
import type { ConfigTree } from '../config-tree.ts';
import { detectPlace, type ProfileWishes } from './router-profile.ts';

const baseline = JSON.parse(
  readFileSync(new URL('./fixtures/baseline-config.json', import.meta.url), 'utf8'),
) as ConfigTree;

const interfaces: ConfigTree = {
  ethernet: {
    eth0: { address: ['192.0.2.1/24', '192.0.2.2/24'] },
    eth1: { address: '10.10.0.1/16', vif: { 100: { address: '198.51.100.1/24' } } },
    eth2: {},
    eth3: { address: 'dhcp' },
  },
};

const lan: ConfigTree = { option: { 'default-router': '10.10.0.1' } };
const dhcp = (subnets: Record<string, ConfigTree>, network = 'LAN'): ConfigTree => ({
  'dhcp-server': { 'shared-network-name': { [network]: { subnet: subnets } } },
});
const via = (...hops: string[]): ConfigTree => ({
  static: { route: { '0.0.0.0/0': { 'next-hop': Object.fromEntries(hops.map((hop) => [hop, {}])) } } },
});
const rulesOn = (...names: string[]): ConfigTree => ({
  destination: { rule: Object.fromEntries(names.map((name, at) => [`${at + 1}`, { 'inbound-interface': { name } }])) },
});

const router = (some: Record<string, ConfigTree> = {}): ConfigTree => ({
  interfaces,
  protocols: via('192.0.2.254'),
  service: dhcp({ '10.10.0.0/16': lan }),
  ...some,
});

const refuses = (code: string, pattern: RegExp, config: ConfigTree, wishes: ProfileWishes = {}) =>
  assert.throws(
    () => detectPlace(config, wishes),
    (error) => {
      assert.ok(error instanceof DomainError);
      assert.equal(error.kind, 'invalid');
      assert.equal(error.code, code);
      assert.match(error.message, pattern);
      return true;
    },
  );

test('the recorded router tells its own place', () => {
  assert.deepEqual(detectPlace(baseline, {}), {
    wanInterface: 'eth0',
    externalIp: '192.0.2.1',
    dhcpNetwork: 'LAN',
    dhcpSubnet: '10.10.0.0/16',
    gateway: '10.10.0.1',
  });
});

test('empty wishes are none', () => {
  assert.equal(
    detectPlace(baseline, { wanInterface: '', externalIp: '', dhcpNetwork: '', dhcpSubnet: '' }).wanInterface,
    'eth0',
  );
});

test('the interface that holds the default next hop leads outside, a VLAN by its own name', () => {
  assert.equal(detectPlace(router({ protocols: via('198.51.100.9') }), {}).wanInterface, 'eth1.100');
});

test('without a default route it is the one that others forward from', () => {
  assert.equal(detectPlace(router({ protocols: {}, nat: rulesOn('eth0', 'eth0') }), {}).wanInterface, 'eth0');
  assert.equal(
    detectPlace(router({ protocols: via('192.0.2.254', '198.51.100.9'), nat: rulesOn('eth1.100') }), {}).wanInterface,
    'eth1.100',
  );
});

test('what cannot be told lists the choices', () => {
  refuses('ROUTER_PROFILE_AMBIGUOUS', /one of: eth0, eth1, eth1\.100, eth3\./, router({ protocols: {} }));
  refuses(
    'ROUTER_PROFILE_AMBIGUOUS',
    /one of: eth0, eth1\.100\./,
    router({ protocols: via('192.0.2.254', '198.51.100.9') }),
  );
  refuses('ROUTER_PROFILE_AMBIGUOUS', /one of: eth0, eth1\./, router({ protocols: {}, nat: rulesOn('eth0', 'eth1') }));
  refuses('ROUTER_PROFILE_AMBIGUOUS', /eth3 has no fixed IPv4 address/, router(), { wanInterface: 'eth3' });
  const two = dhcp({ '10.10.0.0/16': lan, '10.20.0.0/16': lan });
  refuses('ROUTER_PROFILE_AMBIGUOUS', /LAN 10\.10\.0\.0\/16, LAN 10\.20\.0\.0\/16\./, router({ service: two }));
});

test('wishes settle what cannot be told', () => {
  const two = router({ protocols: {}, service: dhcp({ '10.10.0.0/16': lan, '10.20.0.0/16': {} }) });
  assert.deepEqual(
    detectPlace(two, {
      wanInterface: 'eth0',
      externalIp: '192.0.2.2',
      dhcpNetwork: 'LAN',
      dhcpSubnet: '10.20.0.0/16',
    }),
    { wanInterface: 'eth0', externalIp: '192.0.2.2', dhcpNetwork: 'LAN', dhcpSubnet: '10.20.0.0/16', gateway: '' },
  );
  assert.equal(detectPlace(router(), { wanInterface: 'eth3', externalIp: '203.0.113.5' }).externalIp, '203.0.113.5');
});

test('a wish that the router cannot fulfil is told with what there is', () => {
  refuses('ROUTER_PROFILE_WRONG', /no interface eth9\. It has: eth0, eth1, eth1\.100, eth2, eth3\./, router(), {
    wanInterface: 'eth9',
  });
  refuses(
    'ROUTER_PROFILE_WRONG',
    /eth0 does not have the address 203\.0\.113\.5\. It has: 192\.0\.2\.1, 192\.0\.2\.2\./,
    router(),
    {
      externalIp: '203.0.113.5',
    },
  );
  refuses('ROUTER_PROFILE_WRONG', /no DHCP subnet WAN\. It has: LAN 10\.10\.0\.0\/16\./, router(), {
    dhcpNetwork: 'WAN',
  });
  refuses('ROUTER_PROFILE_WRONG', /no DHCP subnet\. It has: none\./, router({ service: {} }));
});
