import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyOfPath } from '../config-tree.ts';
import { missingSubnet } from './missing-subnet.ts';

const mappingIn = (network: string, subnet: string) =>
  new Map([
    [
      keyOfPath(['service', 'dhcp-server', 'shared-network-name', network, 'subnet', subnet, 'static-mapping', 'vm-1']),
      { 'ip-address': '10.10.1.1' },
    ],
  ]);
const router = { service: { 'dhcp-server': { 'shared-network-name': { LAN: { subnet: { '10.10.0.0/16': {} } } } } } };

test('a mapping goes only where the router has the subnet, in that network', () => {
  assert.equal(missingSubnet(router, mappingIn('LAN', '10.10.0.0/16')), undefined);
  assert.equal(missingSubnet(router, new Map()), undefined);
  assert.match(missingSubnet(router, mappingIn('LAN', '10.11.0.0/16')) ?? '', /10\.11\.0\.0\/16 .* LAN/);
  assert.match(missingSubnet(router, mappingIn('DMZ', '10.10.0.0/16')) ?? '', /DMZ/);
});
