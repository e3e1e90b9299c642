import { withLeaves } from './config-leaf.ts';
import { type ConfigPath, type ConfigTree, keyOfPath, pathOfKey } from './config-tree.ts';
import type { Dialect } from './dialect.ts';
import type { DestinationNatRule, Fragment, StaticMapping } from './fragment.ts';
import { normalTree, treeAt } from './normal-tree.ts';
import type { OwnedContent } from './plan.ts';

/** What differs between versions, as far as Berth writes it. */
export interface DialectTable {
  readonly version: string;
  /** The leaf of a static mapping that holds its MAC address. */
  readonly mappingMacLeaf: string;
  /** What stands at `inbound-interface`: a leaf's value up to 1.3, a node since 1.4. */
  readonly inboundInterface: (name: string) => ConfigTree | string;
}

const mappingPath = ({ network, subnet, name }: StaticMapping): ConfigPath => [
  'service',
  'dhcp-server',
  'shared-network-name',
  network,
  'subnet',
  subnet,
  'static-mapping',
  name,
];

const rulePath = ({ number }: DestinationNatRule): ConfigPath => ['nat', 'destination', 'rule', String(number)];

const mappingTree = (table: DialectTable, mapping: StaticMapping): ConfigTree => ({
  'ip-address': mapping.ipAddress,
  [table.mappingMacLeaf]: mapping.macAddress,
});

const ruleTree = (table: DialectTable, rule: DestinationNatRule): ConfigTree => ({
  description: rule.description,
  destination: { address: rule.destinationAddress, port: rule.destinationPort },
  ...(rule.disabled ? { disable: {} } : {}),
  'inbound-interface': table.inboundInterface(rule.inboundInterface),
  protocol: rule.protocol,
  ...(rule.sourceAddress === '' ? {} : { source: { address: rule.sourceAddress } }),
  translation: { address: rule.translationAddress, port: rule.translationPort },
});

/** A dialect from its table. */
export function defineDialect(table: DialectTable): Dialect {
  const entries = ({ mapping, rules }: Fragment): [string, ConfigTree][] => [
    ...(mapping === undefined
      ? []
      : [
          [
            keyOfPath(mappingPath(mapping)),
            normalTree(withLeaves(mappingTree(table, mapping), mapping.extra)),
          ] satisfies [string, ConfigTree],
        ]),
    ...rules.map((rule): [string, ConfigTree] => [
      keyOfPath(rulePath(rule)),
      normalTree(withLeaves(ruleTree(table, rule), rule.extra)),
    ]),
  ];
  return {
    version: table.version,
    contentOf: (fragment) => new Map(entries(fragment)),
    ownedPaths: (fragment) => [...new Map(entries(fragment)).keys()],
    contentAt: (config, ownedKeys) => contentAt(config, ownedKeys),
  };
}

function contentAt(config: ConfigTree, ownedKeys: Iterable<string>): OwnedContent {
  const found = new Map<string, ConfigTree>();
  for (const key of ownedKeys) {
    const node = treeAt(config, pathOfKey(key));
    if (node !== undefined) found.set(key, normalTree(node));
  }
  return found;
}
