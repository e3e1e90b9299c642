import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyOfPath } from '../config-tree.ts';
import { foreignConfig } from './foreign-config.ts';

test('owned rules and everything outside of NAT and DHCP are left out, what others have stays', () => {
  const config = {
    nat: { destination: { rule: { '5': { protocol: 'tcp' }, '10000': { protocol: 'udp' } } }, source: { rule: {} } },
    service: { https: { api: { keys: 'secret' } }, 'dhcp-server': { 'shared-network-name': {} } },
    system: { login: {} },
  };
  const owned = [
    keyOfPath(['nat', 'destination', 'rule', '10000']),
    keyOfPath(['nat', 'destination', 'rule', '10001']),
  ];
  assert.deepEqual(foreignConfig(config, owned), {
    nat: { destination: { rule: { '5': { protocol: 'tcp' } } }, source: { rule: {} } },
    service: { 'dhcp-server': { 'shared-network-name': {} } },
  });
});

test('a router without NAT and DHCP has nothing of others there', () => {
  assert.deepEqual(foreignConfig({}, ['nat']), { service: { 'dhcp-server': {} } });
});
