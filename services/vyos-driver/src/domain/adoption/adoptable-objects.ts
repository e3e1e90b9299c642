import type { DestinationNatRule, StaticMapping } from '../changes/fragment.ts';
import { type ConfigLeaf, leavesIn } from '../config-leaf.ts';
import { type ConfigTree, keyOfPath } from '../config-tree.ts';
import { type FoundSubnet, subnetsIn } from '../inventory/foreign-objects.ts';
import { type ConfigNode, childOf, childrenAt, isTree, normalTree, valuesOf } from '../normal-tree.ts';

/** A static mapping that others made, word for word. Texts that it does not have are empty. */
export interface AdoptableMapping {
  readonly kind: 'mapping';
  readonly mapping: StaticMapping;
  readonly disabled: boolean;
}

/** A destination rule that others made, word for word. Texts that it does not have are empty. */
export interface AdoptableRule {
  readonly kind: 'rule';
  readonly rule: Omit<DestinationNatRule, 'protocol'> & { readonly protocol: string };
}

/** Something that others made and that may be adopted, by the key of its path. */
export interface AdoptableObject {
  readonly key: string;
  readonly object: AdoptableMapping | AdoptableRule;
}

const mappingLeaves = ['ip-address', 'mac', 'mac-address', 'disable'];
const ruleLeaves = [
  'description',
  'destination address',
  'destination port',
  'disable',
  'inbound-interface',
  'inbound-interface name',
  'protocol',
  'source address',
  'translation address',
  'translation port',
];

/** The static mappings and destination rules in `foreign`, the configuration without what is ours. As any version of VyOS writes them. */
export function adoptableIn(foreign: ConfigTree): readonly AdoptableObject[] {
  const mappings = subnetsIn(foreign).flatMap((subnet) =>
    childrenAt(foreign, [...subnet.path, 'static-mapping']).flatMap(([name, node]) =>
      isTree(node) ? [mappingAt(subnet, name, normalTree(node))] : [],
    ),
  );
  const path = ['nat', 'destination', 'rule'];
  const rules = childrenAt(foreign, path).flatMap(([number, node]): AdoptableObject[] => {
    if (!isTree(node) || !/^[1-9]\d{0,5}$/.test(number)) return [];
    return [{ key: keyOfPath([...path, number]), object: ruleAt(Number(number), normalTree(node)) }];
  });
  return [...mappings, ...rules];
}

/** What `node` says at a leaf; several values joined by commas. */
const textAt = (node: ConfigNode, ...names: readonly string[]): string =>
  valuesOf(names.reduce<ConfigNode | undefined>(childOf, node)).join(',');

const leavesBeside = (tree: ConfigTree, known: readonly string[]): readonly ConfigLeaf[] =>
  leavesIn(tree).filter(({ path, values }) => {
    const name = path.join(' ');
    return !known.includes(name) || (values.length === 0) !== (name === 'disable');
  });

function mappingAt({ path, network, subnet }: FoundSubnet, name: string, node: ConfigTree): AdoptableObject {
  const mapping: StaticMapping = {
    network,
    subnet,
    name,
    macAddress: textAt(node, 'mac') || textAt(node, 'mac-address'),
    ipAddress: textAt(node, 'ip-address'),
    extra: leavesBeside(node, mappingLeaves),
  };
  const disabled = childOf(node, 'disable') !== undefined;
  return { key: keyOfPath([...path, 'static-mapping', name]), object: { kind: 'mapping', mapping, disabled } };
}

const ruleAt = (number: number, node: ConfigTree): AdoptableRule => ({
  kind: 'rule',
  rule: {
    number,
    inboundInterface: textAt(node, 'inbound-interface', 'name') || textAt(node, 'inbound-interface'),
    protocol: textAt(node, 'protocol'),
    destinationAddress: textAt(node, 'destination', 'address'),
    destinationPort: textAt(node, 'destination', 'port'),
    translationAddress: textAt(node, 'translation', 'address'),
    translationPort: textAt(node, 'translation', 'port'),
    sourceAddress: textAt(node, 'source', 'address'),
    description: textAt(node, 'description'),
    disabled: childOf(node, 'disable') !== undefined,
    extra: leavesBeside(node, ruleLeaves),
  },
});
