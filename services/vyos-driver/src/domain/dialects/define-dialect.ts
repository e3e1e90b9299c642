import type { DestinationNatRule, Fragment, StaticMapping } from '../changes/fragment.ts';
import type { OwnedContent } from '../changes/plan.ts';
import { withLeaves } from '../config-leaf.ts';
import { type ConfigPath, type ConfigTree, keyOfPath, pathOfKey } from '../config-tree.ts';
import { childOf, firstValueOf, normalTree, treeAt } from '../normal-tree.ts';
import type { Dialect, RouterTraits } from './dialect.ts';

/** What differs between versions: how Berth's lines are written, and how the router behaves. One value per version. */
export interface DialectTable extends RouterTraits {
  /** The leaf of a static mapping that holds its MAC address. */
  readonly mappingMacLeaf: 'mac' | 'mac-address';
  /** What stands at `inbound-interface`: a leaf's value up to 1.3, a node since 1.4. */
  readonly inboundInterface: (name: string) => ConfigTree | string;
  /** The names that a static mapping may have, and the same for people. */
  readonly mappingName: { readonly accepts: RegExp; readonly hint: string };
}

const mappingPath = (table: DialectTable, { network, subnet, name }: StaticMapping): ConfigPath => [
  'service',
  'dhcp-server',
  'shared-network-name',
  network,
  'subnet',
  subnet,
  'static-mapping',
  writtenName(table, name),
];

/** What VyOS makes of a mapping's name when it is upgraded to a version that does not take it. */
const migratedName = (name: string): string => name.replace(/[^A-Za-z0-9.-]/g, '-');

const writtenName = (table: DialectTable, name: string): string =>
  table.mappingName.accepts.test(name) ? name : migratedName(name);

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
            keyOfPath(mappingPath(table, mapping)),
            normalTree(withLeaves(mappingTree(table, mapping), mapping.extra)),
          ] satisfies [string, ConfigTree],
        ]),
    ...rules.map((rule): [string, ConfigTree] => [
      keyOfPath(rulePath(rule)),
      normalTree(withLeaves(ruleTree(table, rule), rule.extra)),
    ]),
  ];
  const { mappingMacLeaf: _leaf, inboundInterface: _interface, mappingName: _name, ...traits } = table;
  return {
    ...traits,
    contentOf: (fragment) => new Map(entries(fragment)),
    ownedPaths: (fragment) => [...new Map(entries(fragment)).keys()],
    contentAt: (config, ownedKeys) => contentAt(config, ownedKeys),
    migrated: (content) => new Map([...content].map(([key, tree]) => migrate(table, key, tree))),
    problemOf: (wanted, applied) => problemOf(table, wanted, applied),
  };
}

/** One owned path and its content, written by whatever version, as this one has it. */
function migrate(table: DialectTable, key: string, tree: ConfigTree): [string, ConfigTree] {
  const path = pathOfKey(key);
  if (path[0] === 'nat') {
    const node = childOf(tree, 'inbound-interface');
    const name = firstValueOf(childOf(node, 'name') ?? node);
    if (name === undefined) return [key, tree];
    return [key, normalTree({ ...tree, 'inbound-interface': table.inboundInterface(name) })];
  }
  const { mac, 'mac-address': macAddress, ...rest } = tree;
  const value = mac ?? macAddress;
  const content = value === undefined ? rest : { ...rest, [table.mappingMacLeaf]: value };
  return [keyOfPath([...path.slice(0, -1), writtenName(table, path.at(-1) ?? '')]), normalTree(content)];
}

/** A name that the router's own upgrade has replaced is no reason to refuse its resource another change. */
function problemOf(table: DialectTable, wanted: Fragment, applied: Fragment): string | undefined {
  const name = wanted.mapping?.name;
  if (name === undefined || name === applied.mapping?.name || table.mappingName.accepts.test(name)) return undefined;
  return `The static mapping name ${name} is none that VyOS ${table.version} takes: ${table.mappingName.hint}.`;
}

function contentAt(config: ConfigTree, ownedKeys: Iterable<string>): OwnedContent {
  const found = new Map<string, ConfigTree>();
  for (const key of ownedKeys) {
    const node = treeAt(config, pathOfKey(key));
    if (node !== undefined) found.set(key, normalTree(node));
  }
  return found;
}
