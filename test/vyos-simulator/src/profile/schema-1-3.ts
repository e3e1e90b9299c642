import { container, leaf, multiLeaf, type SchemaChildren, tag, valueless } from '../domain/schema.ts';
import { disable, ipProtocol, ipv4Match, ipv4Prefix, macAddress, numberIn, oneOf } from './common-leaves.ts';
import { interfacesWith, ntp13, system } from './schema-1-5-system.ts';

const anyText = leaf();
const ruleNumber = (kind: string) => numberIn('1-999999', `${kind} rule number must be between 1 and 999999`);

/** Ports have no syntax check in 1.3. */
const natSide = container({ address: leaf(ipv4Match), port: leaf() });
const natRule: SchemaChildren = {
  description: anyText,
  destination: natSide,
  disable,
  exclude: valueless,
  log: valueless,
  protocol: leaf(ipProtocol),
  source: natSide,
};
const translationOptions = container({
  'address-mapping': leaf(oneOf('persistent', 'random')),
  'port-mapping': leaf(oneOf('random', 'fully-random', 'none')),
});

/** `nat` of 1.3: the interface is one leaf, and there are no groups. */
export const nat13 = container({
  destination: container({
    rule: tag(ruleNumber('NAT'), {
      ...natRule,
      'inbound-interface': anyText,
      translation: container({
        address: leaf({ validators: [['ipv4-prefix'], ['ipv4-address'], ['ipv4-range']] }),
        options: translationOptions,
        port: leaf(),
      }),
    }),
  }),
  source: container({
    rule: tag(ruleNumber('NAT'), {
      ...natRule,
      'outbound-interface': anyText,
      translation: container({
        address: leaf({ patterns: [/^masquerade$/], validators: [['ipv4-prefix'], ['ipv4-address'], ['ipv4-range']] }),
        options: translationOptions,
        port: leaf(),
      }),
    }),
  }),
});

const enabled = leaf(oneOf('enable', 'disable'));
const groups: SchemaChildren = { 'address-group': leaf(), 'network-group': leaf(), 'port-group': leaf() };
const firewallSide: SchemaChildren = { address: leaf(ipv4Match), group: container(groups), port: leaf() };
const statePolicy = container({
  action: leaf(oneOf('accept', 'drop', 'reject')),
  log: container({ enable: valueless }),
});
const groupName = { patterns: [/^[a-zA-Z0-9][\w.-]{0,30}$/] };
const filterRule: SchemaChildren = {
  action: leaf(oneOf('drop', 'reject', 'accept')),
  description: anyText,
  destination: container(firewallSide),
  disable,
  log: enabled,
  protocol: leaf(ipProtocol),
  source: container({ ...firewallSide, 'mac-address': leaf(macAddress) }),
  state: container({ established: enabled, invalid: enabled, new: enabled, related: enabled }),
};

/** `firewall` of 1.3 (vyatta-cfg-firewall): named rule sets, bound to interfaces. */
export const firewall13 = container({
  'all-ping': enabled,
  'broadcast-ping': enabled,
  group: container({
    'address-group': tag(groupName, {
      address: multiLeaf({ validators: [['ipv4-address'], ['ipv4-range']] }),
      description: anyText,
    }),
    'network-group': tag(groupName, { description: anyText, network: multiLeaf(ipv4Prefix) }),
    'port-group': tag(groupName, { description: anyText, port: multiLeaf() }),
  }),
  name: tag(
    { patterns: [/^(?!-)(?!VZONE)[^\s|;&$<>]{1,28}$/] },
    {
      'default-action': leaf(oneOf('drop', 'accept', 'reject')),
      description: anyText,
      'enable-default-log': valueless,
      rule: tag(ruleNumber('firewall'), filterRule),
    },
  ),
  'state-policy': container({ established: statePolicy, invalid: statePolicy, related: statePolicy }),
});

const binding = container({ name: leaf() });
/** `interfaces` of 1.3: rule sets of the firewall are bound here. */
export const interfaces13 = interfacesWith({ firewall: container({ in: binding, local: binding, out: binding }) });

/** `system` of 1.3: the time servers are in it. */
export const system13 = container({ ...system.children, ntp: ntp13 });
