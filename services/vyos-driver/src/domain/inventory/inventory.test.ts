import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type ConfigTree, keyOfPath } from '../config-tree.ts';
import { type ForeignHolding, foreignHoldings } from './inventory.ts';

const baseline = JSON.parse(
  readFileSync(new URL('./fixtures/baseline-config.json', import.meta.url), 'utf8'),
) as ConfigTree;

const brief = (holdings: readonly ForeignHolding[]) =>
  holdings.map(({ kind, firstNumber, lastNumber, value, lastValue, protocol }) =>
    [kind, firstNumber || '', lastNumber || '', value, lastValue, protocol].filter((part) => part !== '').join(' '),
  );

const ofRule = (rule: ConfigTree, number = '7') =>
  brief(foreignHoldings({ nat: { destination: { rule: { [number]: rule } } } }, new Set()));

const ofService = (service: ConfigTree) => brief(foreignHoldings({ service }, new Set()));

test('everything that others hold on the recorded router is known', () => {
  assert.deepEqual(brief(foreignHoldings(baseline, new Set())), [
    'rule_number 5 5',
    'port 2222 2222 tcp',
    'address 10.10.0.5',
    'port 22 22 tcp',
    'port 8443 8443 127.0.0.1 tcp',
    'port 123 123 udp',
    'mapping_name printer',
    'mac 52:54:00:ff:00:09',
    'address 10.10.0.9',
    'address 10.10.0.0',
    'address 10.10.255.255',
    'address 10.10.0.1',
    'dynamic_range 10.10.250.1 10.10.250.250',
    'address 192.0.2.1',
  ]);
  const printer = foreignHoldings(baseline, new Set()).find(({ kind }) => kind === 'mapping_name');
  assert.equal(printer?.path, 'service dhcp-server shared-network-name LAN subnet 10.10.0.0/16 static-mapping printer');
});

test('what is ours is not held by others', () => {
  const ours = new Set([
    keyOfPath(['nat', 'destination', 'rule', '5']),
    keyOfPath([
      'service',
      'dhcp-server',
      'shared-network-name',
      'LAN',
      'subnet',
      '10.10.0.0/16',
      'static-mapping',
      'printer',
    ]),
  ]);
  const left = brief(foreignHoldings(baseline, ours));
  for (const one of ['rule_number 5 5', 'port 2222 2222 tcp', 'mapping_name printer', 'mac 52:54:00:ff:00:09']) {
    assert.ok(!left.includes(one), one);
  }
  assert.ok(left.includes('address 10.10.0.1'));
});

test('ports are held for each protocol that the rule may match, on its address or on any', () => {
  assert.deepEqual(ofRule({ destination: { port: '9000-9010', address: '192.0.2.7' }, protocol: 'udp' }), [
    'rule_number 7 7',
    'port 9000 9010 192.0.2.7 udp',
  ]);
  for (const protocol of ['tcp_udp', 'all', '!tcp']) {
    assert.deepEqual(ofRule({ destination: { port: '53' }, protocol }), [
      'rule_number 7 7',
      'port 53 53 tcp',
      'port 53 53 udp',
    ]);
  }
  assert.deepEqual(ofRule({ destination: { port: '80', address: '192.0.2.0/24' }, protocol: 'tcp' }), [
    'rule_number 7 7',
    'port 80 80 tcp',
  ]);
});

test('comma lists and service names are resolved, a negation holds every port', () => {
  assert.deepEqual(ofRule({ destination: { port: '9100,9200-9300,ssh,nonsense' }, protocol: 'tcp' }), [
    'rule_number 7 7',
    'port 9100 9100 tcp',
    'port 9200 9300 tcp',
    'port 22 22 tcp',
  ]);
  assert.deepEqual(ofRule({ destination: { port: '!80' }, protocol: 'tcp' }), ['rule_number 7 7', 'port 1 65535 tcp']);
});

test('a rule without a destination port, or a disabled one, holds what it has', () => {
  assert.deepEqual(ofRule({ 'inbound-interface': { name: 'eth0' }, translation: { address: '10.10.0.7' } }), [
    'rule_number 7 7',
    'address 10.10.0.7',
  ]);
  assert.deepEqual(ofRule({ destination: { port: '80' }, protocol: 'tcp', disable: {} }), [
    'rule_number 7 7',
    'port 80 80 tcp',
  ]);
  assert.deepEqual(ofRule({}, '007'), ['rule_number 7 7']);
  assert.deepEqual(ofRule({ translation: { address: '10.10.1.47-10.10.1.48' } }), ['rule_number 7 7']);
});

test('addresses of VLANs and of VRRP are the router’s own, those it gets from others are not known', () => {
  const config: ConfigTree = {
    interfaces: {
      ethernet: { eth0: { address: ['dhcp', '192.0.2.9/24'], vif: { 100: { address: '198.51.100.1/24' } } } },
      loopback: { lo: {} },
    },
    'high-availability': {
      vrrp: { group: { a: { address: { '192.0.2.100/24': {} } }, b: { 'virtual-address': '192.0.2.101' } } },
    },
  };
  assert.deepEqual(brief(foreignHoldings(config, new Set())), [
    'address 192.0.2.9',
    'address 198.51.100.1',
    'address 192.0.2.100',
    'address 192.0.2.101',
  ]);
});

test('gateway, ends, ranges and excluded addresses of each subnet are held, in the words of every version', () => {
  const subnet: ConfigTree = {
    'default-router': '10.0.0.254',
    exclude: ['10.0.0.7', '10.0.0.8'],
    range: { a: { start: '10.0.0.100', stop: '10.0.0.110' }, b: { start: '10.0.0.200' } },
    'static-mapping': { Nas: { 'mac-address': '52:54:00:AA:00:01', 'ip-address': '10.0.0.9' }, empty: {} },
  };
  assert.deepEqual(
    ofService({ 'dhcp-server': { 'shared-network-name': { LAN: { subnet: { '10.0.0.0/24': subnet } } } } }),
    [
      'mapping_name Nas',
      'mac 52:54:00:aa:00:01',
      'address 10.0.0.9',
      'mapping_name empty',
      'address 10.0.0.0',
      'address 10.0.0.255',
      'address 10.0.0.254',
      'address 10.0.0.7',
      'address 10.0.0.8',
      'dynamic_range 10.0.0.100 10.0.0.110',
    ],
  );
});

test('ports on which the router itself listens are held', () => {
  assert.deepEqual(ofService({ ssh: { port: ['22', '2200'], 'listen-address': '192.0.2.1' } }), [
    'port 22 22 192.0.2.1 tcp',
    'port 2200 2200 192.0.2.1 tcp',
  ]);
  assert.deepEqual(ofService({ https: { api: {} } }), ['port 443 443 tcp']);
  assert.deepEqual(
    ofService({ https: { 'virtual-host': { a: { 'listen-port': '8443' } } } }).includes('port 8443 8443 tcp'),
    true,
  );
  const tunnels: ConfigTree = {
    interfaces: {
      wireguard: { wg0: { port: '51820' } },
      openvpn: { vtun0: { 'local-port': '1194', protocol: 'tcp-passive' } },
    },
    vpn: { ipsec: {} },
  };
  assert.deepEqual(brief(foreignHoldings(tunnels, new Set())), [
    'port 500 500 udp',
    'port 4500 4500 udp',
    'port 51820 51820 udp',
    'port 1194 1194 tcp',
  ]);
});

test('an address of ours that somebody else forwards to stays ours', () => {
  const rule = { destination: { port: '80' }, protocol: 'tcp', translation: { address: '10.0.0.9' } };
  const subnet = { 'static-mapping': { vm: { mac: '52:54:00:00:00:01', 'ip-address': '10.0.0.9' } } };
  const config: ConfigTree = {
    nat: { destination: { rule: { 7: rule } } },
    service: { 'dhcp-server': { 'shared-network-name': { LAN: { subnet: { '10.0.0.0/24': subnet } } } } },
  };
  const path = 'service dhcp-server shared-network-name LAN subnet 10.0.0.0/24 static-mapping vm'.split(' ');
  assert.ok(!brief(foreignHoldings(config, new Set([keyOfPath(path)]))).includes('address 10.0.0.9'));
  assert.ok(brief(foreignHoldings(config, new Set())).includes('address 10.0.0.9'));
});

test('an empty configuration holds nothing', () => {
  assert.deepEqual(foreignHoldings({}, new Set()), []);
  assert.deepEqual(foreignHoldings({ nat: { destination: {} }, service: { 'dhcp-server': {} } }, new Set()), []);
});
