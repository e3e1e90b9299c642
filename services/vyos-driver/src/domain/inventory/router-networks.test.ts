import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { ConfigTree } from '../config-tree.ts';
import { networksIn } from './router-networks.ts';

const baseline = JSON.parse(
  readFileSync(new URL('./fixtures/baseline-config.json', import.meta.url), 'utf8'),
) as ConfigTree;

test('the recorded router tells its subnet and the interfaces that have addresses', () => {
  assert.deepEqual(networksIn(baseline), {
    subnets: [
      {
        network: 'LAN',
        subnet: '10.10.0.0/16',
        subnetId: 1,
        gateway: '10.10.0.1',
        nameServers: ['10.10.0.1'],
        leaseSeconds: 86_400,
      },
    ],
    interfaces: [
      { name: 'eth0', addresses: ['192.0.2.1'], dynamic: false },
      { name: 'eth1', addresses: ['10.10.0.1'], dynamic: false },
    ],
  });
});

test('every subnet of every network is told; what a subnet does not say its network says', () => {
  const networks: ConfigTree = {
    LAB: {
      option: { 'name-server': ['10.20.0.2', '10.20.0.3'], 'default-router': '10.20.0.1' },
      subnet: { '10.20.0.0/17': { 'subnet-id': '2' }, '10.20.128.0/17': { option: { 'name-server': '10.20.128.2' } } },
    },
    OLD: { subnet: { '10.30.0.0/24': { 'default-router': '10.30.0.1', 'name-server': '10.30.0.2', lease: '600' } } },
  };
  const { subnets } = networksIn({ service: { 'dhcp-server': { 'shared-network-name': networks } } });
  assert.deepEqual(
    subnets.map((one) => [one.network, one.subnet, one.subnetId, one.gateway, one.nameServers, one.leaseSeconds]),
    [
      ['LAB', '10.20.0.0/17', 2, '10.20.0.1', ['10.20.0.2', '10.20.0.3'], 0],
      ['LAB', '10.20.128.0/17', 0, '10.20.0.1', ['10.20.128.2'], 0],
      ['OLD', '10.30.0.0/24', 0, '10.30.0.1', ['10.30.0.2'], 600],
    ],
  );
});

test('addresses of VRRP groups count to the interface of their group, whichever way the version writes them', () => {
  const group: ConfigTree = {
    WAN: { interface: 'eth0.100', address: { '192.0.2.10/24': {}, '192.0.2.1/24': {} } },
    OLD: { interface: 'eth9', 'virtual-address': ['198.51.100.10/24', '2001:db8::1/64'] },
    LOST: { address: { '203.0.113.1/24': {} } },
  };
  const config: ConfigTree = {
    'high-availability': { vrrp: { group } },
    interfaces: {
      ethernet: {
        eth0: { address: '2001:db8::2/64', vif: { 100: { address: ['192.0.2.1/24', '192.0.2.2/24'] } } },
        eth8: {},
        eth9: {},
      },
      pppoe: { pppoe0: {} },
    },
  };
  assert.deepEqual(networksIn(config).interfaces, [
    { name: 'eth0.100', addresses: ['192.0.2.1', '192.0.2.2', '192.0.2.10'], dynamic: false },
    { name: 'eth9', addresses: ['198.51.100.10'], dynamic: false },
    { name: 'pppoe0', addresses: [], dynamic: true },
  ]);
});
