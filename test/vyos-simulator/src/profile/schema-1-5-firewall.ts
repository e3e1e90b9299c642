import { container, leaf, multiLeaf, type SchemaChildren, tag, valueless } from '../domain/schema.ts';
import {
  description,
  disable,
  fqdn,
  groupMatch,
  interfaceMatch,
  ipProtocol,
  ipv4Match,
  ipv4Prefix,
  macAddress,
  nameText,
  numberIn,
  oneOf,
  portMulti,
  portRange,
} from './common-leaves.ts';

const groupName = nameText('Name of firewall group can only contain alphanumeric letters, hyphen, underscores and dot');
const ruleNumber = numberIn('1-999999', 'Firewall rule number must be between 1 and 999999');
const include = multiLeaf();

const side = container({
  address: leaf(ipv4Match),
  'address-mask': leaf({ validators: [['ipv4-address']] }),
  fqdn: leaf(fqdn),
  geoip: container({ 'country-code': multiLeaf({ patterns: [/^[a-z]{2}$/] }), 'inverse-match': valueless }),
  group: container({ ...groupMatch, 'dynamic-address-group': leaf() }),
  'mac-address': leaf({ patterns: [/^!?[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}$/] }),
  port: leaf(portMulti),
});

const rule: SchemaChildren = {
  action: leaf(oneOf('accept', 'continue', 'jump', 'reject', 'return', 'drop', 'queue', 'offload', 'synproxy')),
  'connection-mark': multiLeaf(numberIn('0-2147483647')),
  'connection-status': container({ nat: leaf(oneOf('destination', 'source')) }),
  description,
  destination: side,
  disable,
  dscp: multiLeaf(),
  fragment: container({ 'match-frag': valueless, 'match-non-frag': valueless }),
  icmp: container({ code: leaf(numberIn('0-255')), type: leaf(numberIn('0-255')), 'type-name': leaf() }),
  'inbound-interface': interfaceMatch,
  'jump-target': leaf(),
  limit: container({
    burst: leaf(numberIn('0-4294967295')),
    rate: leaf({ patterns: [/^\d+\/(?:second|minute|hour|day)$/] }),
  }),
  log: valueless,
  'log-options': container({
    group: leaf(numberIn('0-65535')),
    level: leaf(oneOf('emerg', 'alert', 'crit', 'err', 'warn', 'notice', 'info', 'debug')),
    'queue-threshold': leaf(numberIn('0-65535')),
    'snapshot-length': leaf(numberIn('0-9000')),
  }),
  mark: leaf(),
  'offload-target': leaf(),
  'outbound-interface': interfaceMatch,
  'packet-length': multiLeaf(),
  'packet-type': leaf(oneOf('broadcast', 'host', 'multicast', 'other')),
  protocol: leaf(ipProtocol),
  queue: leaf(),
  'queue-options': multiLeaf(oneOf('bypass', 'fanout')),
  recent: container({ count: leaf(numberIn('1-255')), time: leaf(oneOf('second', 'minute', 'hour')) }),
  source: side,
  state: multiLeaf(oneOf('established', 'invalid', 'new', 'related')),
  synproxy: container({ tcp: container({ mss: leaf(numberIn('501-65535')), 'window-scale': leaf(numberIn('1-14')) }) }),
  tcp: container({ flags: container({}), mss: leaf() }),
  time: container({ startdate: leaf(), starttime: leaf(), stopdate: leaf(), stoptime: leaf(), weekdays: leaf() }),
  ttl: container({ eq: leaf(numberIn('0-255')), gt: leaf(numberIn('0-255')), lt: leaf(numberIn('0-255')) }),
};

const baseChain = container({
  filter: container({
    'default-action': leaf(oneOf('accept', 'drop')),
    'default-log': valueless,
    description,
    rule: tag(ruleNumber, rule),
  }),
});

/** `firewall` of 1.5, October 2024, without IPv6, bridges, zones and flow tables (interface-definitions/firewall.xml.in). */
export const firewall = container({
  'global-options': container({
    'all-ping': leaf(oneOf('enable', 'disable')),
    'broadcast-ping': leaf(oneOf('enable', 'disable')),
    'state-policy': container({
      established: container({ action: leaf(oneOf('accept', 'drop', 'reject')), log: valueless }),
      invalid: container({ action: leaf(oneOf('accept', 'drop', 'reject')), log: valueless }),
      related: container({ action: leaf(oneOf('accept', 'drop', 'reject')), log: valueless }),
    }),
  }),
  group: container({
    'address-group': tag(groupName, {
      address: multiLeaf({ validators: [['ipv4-address'], ['ipv4-range']] }),
      description,
      include,
    }),
    'domain-group': tag(groupName, { address: multiLeaf(fqdn), description }),
    'interface-group': tag(groupName, { description, include, interface: multiLeaf() }),
    'mac-group': tag(groupName, { description, include, 'mac-address': multiLeaf(macAddress) }),
    'network-group': tag(groupName, { description, include, network: multiLeaf(ipv4Prefix) }),
    'port-group': tag(groupName, { description, include, port: multiLeaf(portRange) }),
  }),
  ipv4: container({
    forward: baseChain,
    input: baseChain,
    output: baseChain,
    name: tag(
      { patterns: [/^[a-zA-Z0-9][\w\-.]*$/] },
      {
        'default-action': leaf(oneOf('drop', 'jump', 'reject', 'return', 'accept', 'continue')),
        'default-jump-target': leaf(),
        'default-log': valueless,
        description,
        rule: tag(ruleNumber, rule),
      },
    ),
  }),
});
