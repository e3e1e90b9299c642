import assert from 'node:assert/strict';
import { test } from 'node:test';
import { treeFromJson } from '../src/domain/config-json.ts';
import { baseline } from '../src/index.ts';
import { profileNamed } from '../src/profile/profile.ts';
import type { Answer } from '../src/router/answer.ts';
import { RealClock } from '../src/router/clock.ts';
import { editConfiguration } from '../src/router/edit-configuration.ts';
import { RouterState } from '../src/router/router-state.ts';
import { normalised } from './corpus.ts';

const profile = profileNamed('1.5-2024');
const document = await baseline();
const LAN = 'service dhcp-server shared-network-name LAN';
const SUBNET = `${LAN} subnet 10.10.0.0/16`;
const FILTER = 'firewall ipv4 forward filter rule 20';

/** Commits `set …` and `delete …` lines, one list per request, and gives the last answer. */
async function commit(...requests: (readonly string[])[]): Promise<Answer> {
  const router = new RouterState(profile, new RealClock(), treeFromJson(document, profile.schema));
  let answer: Answer = { kind: 'cut' };
  for (const lines of requests) {
    const edits = lines.map((line) => line.split(' ')).map(([op = '', ...path]) => ({ op, path }));
    answer = await editConfiguration(router, '/configure', edits);
  }
  return answer;
}

const under = (base: string, ...rest: string[]) => rest.map((one) => `set ${base} ${one}`);
const dnat = (...rest: string[]) => under('nat destination rule 20', 'translation address 10.10.1.1', ...rest);

/** What the commit is refused with, by request; the text stands between "[ component ]" and "[[component]] failed". */
const refusals: readonly (readonly [title: string, component: string, text: string, lines: readonly string[]])[] = [
  [
    'name and group of an interface',
    'nat',
    'Destination NAT configuration error in rule 20: cannot specify both interface group and interface name for destination nat rule "20"',
    dnat('inbound-interface name eth0', 'inbound-interface group X'),
  ],
  [
    'an unknown interface group',
    'nat',
    'Invalid interface group "X" on destination nat rule',
    dnat('inbound-interface group X'),
  ],
  [
    'a port group that does not exist',
    'nat',
    'Invalid port-group "X" on nat rule',
    dnat('protocol tcp', 'destination group port-group X'),
  ],
  [
    'a port group without a protocol',
    'nat',
    'Protocol must be tcp, udp, or tcp_udp when specifying a port-group',
    [...dnat('destination group port-group P'), 'set firewall group port-group P port 80'],
  ],
  [
    'address and address group',
    'nat',
    'address-group and address cannot both be defined',
    dnat('source group address-group ADMIN', 'source address 192.0.2.7'),
  ],
  [
    'two groups of addresses',
    'nat',
    'Only one address-group, network-group or domain-group can be specified',
    dnat('source group address-group ADMIN', 'source group network-group N'),
  ],
  [
    'address and fqdn',
    'nat',
    'Only one of address, fqdn or geoip can be specified',
    dnat('source fqdn a.example', 'source address 192.0.2.7'),
  ],
  [
    'a redirected port without protocol',
    'nat',
    'Destination NAT configuration error in rule 20: ports can only be specified when protocol is either tcp, udp or tcp_udp!',
    under('nat destination rule 20', 'translation redirect port 80'),
  ],
  [
    'a source rule without translation',
    'nat',
    'Source NAT configuration error in rule 20: translation requires address and/or port',
    under('nat source rule 20', 'outbound-interface name eth0'),
  ],
  [
    'a static rule without interface',
    'nat',
    'Static NAT configuration error in rule 20: inbound-interface not specified',
    under('nat static rule 20', 'translation address 10.10.1.1'),
  ],
  [
    'a jump without a target',
    'firewall',
    'Action set to jump, but no jump-target specified',
    under(FILTER, 'action jump'),
  ],
  [
    'a jump to nowhere',
    'firewall',
    'Invalid jump-target. Firewall ipv4 name X does not exist on the system',
    under(FILTER, 'action jump', 'jump-target X'),
  ],
  [
    'a jump target without a jump',
    'firewall',
    'jump-target defined, but action jump needed and it is not defined',
    under(FILTER, 'action accept', 'jump-target X'),
  ],
  [
    'a port with a protocol that has none',
    'firewall',
    'Protocol must be tcp, udp, or tcp_udp when specifying a port or port-group',
    under(FILTER, 'action accept', 'protocol icmp', 'destination port 80'),
  ],
  [
    'port and port group',
    'firewall',
    'destination port-group and port cannot both be defined',
    [
      ...under(FILTER, 'action accept', 'protocol tcp', 'destination port 80', 'destination group port-group P'),
      'set firewall group port-group P port 80',
    ],
  ],
  [
    'log options without log',
    'firewall',
    'log-options defined, but log is not enable',
    under(FILTER, 'action accept', 'log-options level info'),
  ],
  [
    'an unknown interface group in a filter',
    'firewall',
    'Invalid interface group "X" on firewall rule',
    under(FILTER, 'action accept', 'inbound-interface group X'),
  ],
  [
    'a group that includes nothing known',
    'firewall',
    'Nested group "X" does not exist',
    ['set firewall group address-group A include X'],
  ],
  [
    'groups that include each other',
    'firewall',
    'Group "B" has a circular reference',
    ['set firewall group address-group A include B', 'set firewall group address-group B include A'],
  ],
  [
    'a range without an end',
    'service dhcp-server',
    'DHCP range "1" start and stop address must be defined!',
    under(SUBNET, 'range 1 start 10.10.251.1'),
  ],
  [
    'a range outside the subnet',
    'service dhcp-server',
    'DHCP range "1" stop address not within shared-network "LAN, 10.10.0.0/16"!',
    under(SUBNET, 'range 1 start 10.10.251.1', 'range 1 stop 10.11.0.1'),
  ],
  [
    'a range that ends before it begins',
    'service dhcp-server',
    'DHCP range "1" stop address must be greater or equal to the ranges start address!',
    under(SUBNET, 'range 1 start 10.10.251.9', 'range 1 stop 10.10.251.1'),
  ],
  [
    'two ranges that overlap',
    'service dhcp-server',
    'Range "1" start address "10.10.250.9" already part of another range!',
    under(SUBNET, 'range 1 start 10.10.250.9', 'range 1 stop 10.10.251.1'),
  ],
  [
    'an exclusion outside the subnet',
    'service dhcp-server',
    'Excluded IP address "10.11.0.1" not within shared-network "LAN, 10.10.0.0/16"!',
    under(SUBNET, 'exclude 10.11.0.1'),
  ],
  [
    'a subnet id that is taken',
    'service dhcp-server',
    'Subnet ID for subnet "10.20.0.0/24" is not unique',
    under(`${LAN} subnet 10.20.0.0/24`, 'subnet-id 1', 'range 0 start 10.20.0.1', 'range 0 stop 10.20.0.9'),
  ],
  [
    'subnets that overlap',
    'service dhcp-server',
    'Conflicting subnet ranges: "10.10.9.0/24" overlaps "10.10.0.0/16"!',
    under(`${LAN} subnet 10.10.9.0/24`, 'subnet-id 2', 'static-mapping x mac 52:54:00:00:00:01'),
  ],
  [
    'a network without a subnet',
    'service dhcp-server',
    'No subnets defined for OTHER. At least one lease subnet must be configured.',
    ['set service dhcp-server shared-network-name OTHER authoritative'],
  ],
  [
    'no network left',
    'service dhcp-server',
    'No DHCP shared networks configured. At least one DHCP shared network must be configured.',
    ['delete service dhcp-server shared-network-name LAN', 'set service dhcp-server hostfile-update'],
  ],
  [
    'every network disabled',
    'service dhcp-server',
    'At least one shared network must be active!',
    [`set ${LAN} disable`],
  ],
  [
    'a listen address that is nowhere',
    'service dhcp-server',
    'listen-address "10.9.9.9" not configured on any interface',
    ['set service dhcp-server listen-address 10.9.9.9'],
  ],
  [
    'nobody to serve',
    'service dhcp-server',
    'None of the configured subnets have an appropriate primary IP address on any broadcast interface configured, nor was there an explicit listen-address configured for serving DHCP relay packets!',
    ['delete interfaces ethernet eth1 address', 'set service dhcp-server hostfile-update'],
  ],
  [
    'half a pair for high availability',
    'service dhcp-server',
    'DHCP high-availability requires "remote" to be specified!',
    ['set service dhcp-server high-availability name pair'],
  ],
  [
    'one DUID twice',
    'service dhcp-server',
    'Configured DUID for static mapping "b" already exists on another static mapping',
    under(`${SUBNET} static-mapping`, 'a duid 00:01', 'b duid 00:01'),
  ],
  [
    'MAC and DUID together with an address',
    'service dhcp-server',
    'Either MAC address or Client identifier (DUID) is required for static mapping "a" within shared-network "LAN, 10.10.0.0/16"!',
    under(`${SUBNET} static-mapping a`, 'duid 00:01', 'mac 52:54:00:00:00:01', 'ip-address 10.10.1.1'),
  ],
  [
    'a key without its text',
    'service https',
    'Missing HTTPS API key string for key id "x"',
    ['set service https api keys id x'],
  ],
  [
    'an interface that is not there',
    'interfaces ethernet eth9',
    'Interface "eth9" does not exist!',
    ['set interfaces ethernet eth9 description x'],
  ],
];

for (const [title, component, text, lines] of refusals) {
  test(`the router refuses to commit ${title}`, async () => {
    const answer = await commit(lines);
    assert.ok(answer.kind === 'error', JSON.stringify(answer));
    const found = normalised(answer.text).replaceAll(/(\w)- (\w)/g, '$1-$2');
    assert.ok(found.includes(`${text} [[${component}]] failed Commit failed`), found);
  });
}

const accepted: readonly (readonly [title: string, lines: readonly string[]])[] = [
  [
    'a group and a rule that uses it, in one request',
    [...dnat('source group network-group N'), 'set firewall group network-group N network 192.0.2.0/24'],
  ],
  [
    'an address that two mappings have, one of them disabled',
    under(
      `${SUBNET} static-mapping`,
      'a mac 52:54:00:00:00:01',
      'a ip-address 10.10.1.1',
      'b mac 52:54:00:00:00:02',
      'b ip-address 10.10.1.1',
      'b disable',
    ),
  ],
  ['one MAC in two cases', under(`${SUBNET} static-mapping`, 'a mac 52:54:00:AA:00:01', 'b mac 52:54:00:aa:00:01')],
  ['an excluded rule without translation', under('nat destination rule 20', 'exclude')],
  ['a rule that redirects', under('nat destination rule 20', 'protocol tcp', 'translation redirect port 80')],
  [
    'a rule that balances over backends',
    under(
      'nat destination rule 20',
      'load-balance backend 10.10.1.1 weight 40',
      'load-balance backend 10.10.1.2 weight 60',
    ),
  ],
  ['a forward rule by connection status', under(FILTER, 'action accept', 'connection-status nat destination')],
  ['no DHCP server at all', ['delete service dhcp-server']],
];

for (const [title, lines] of accepted) {
  test(`the router commits ${title}`, async () => {
    assert.deepEqual(await commit(lines), { kind: 'success', data: null });
  });
}

test('a group that NAT uses cannot be deleted, and it is the firewall that says so', async () => {
  const answer = await commit(
    [...dnat('source group network-group N'), 'set firewall group network-group N network 192.0.2.0/24'],
    ['delete firewall group network-group N'],
  );
  assert.deepEqual(answer, {
    kind: 'error',
    status: 400,
    text: '[ firewall ]\nInvalid network-group "N" on nat rule\n[[firewall]] failed\nCommit failed\n',
  });
});

test('a deletion of a whole component that fails says so in its own words', async () => {
  const answer = await commit(dnat('source group address-group ADMIN'), ['delete firewall']);
  assert.deepEqual(answer, {
    kind: 'error',
    status: 400,
    text: '[ firewall ]\nInvalid address-group "ADMIN" on nat rule\ndelete [ firewall ] failed\nCommit failed\n',
  });
});

test('an interface that is created in the same commit is not there yet for NAT, and is for the next one', async () => {
  const lines = [...dnat('inbound-interface name dum7'), 'set interfaces dummy dum7 address 10.99.0.1/32'];
  const first = await commit(lines);
  assert.ok(first.kind === 'success' && String(first.data).includes('Interface "dum7" for destination NAT rule "20"'));
  assert.deepEqual(await commit(lines, ['set nat destination rule 20 description x']), { kind: 'success', data: null });
});

test('a source translation to an address that the router has not is a warning', async () => {
  const answer = await commit(
    under('nat source rule 20', 'outbound-interface name eth0', 'translation address 192.0.2.77'),
  );
  assert.deepEqual(answer, {
    kind: 'success',
    data: '[ nat ]\n\nWARNING: IP address 192.0.2.77 does not exist on the system!\n\n\n',
  });
});

test('an empty group is a warning', async () => {
  const answer = await commit([
    ...dnat('source group address-group E'),
    'set firewall group address-group E description x',
    'delete firewall group address-group E description',
  ]);
  assert.ok(answer.kind === 'success');
  assert.match(normalised(String(answer.data)), /WARNING: address-group "E" has no members!/);
});
