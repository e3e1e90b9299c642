import type { OwnedContent } from '../changes/plan.ts';
import { type ConfigPath, type ConfigTree, keyOfPath, pathOfKey } from '../config-tree.ts';
import { type ConfigNode, childOf, childrenAt, firstValueOf, valuesOf } from '../normal-tree.ts';

/** A static mapping as any version of VyOS writes it. */
export interface FoundMapping {
  readonly path: ConfigPath;
  readonly network: string;
  readonly subnet: string;
  readonly name: string;
  /** Lower case; empty when it has none. */
  readonly mac: string;
  /** Empty when it has none. */
  readonly ipAddress: string;
}

/** A destination rule as any version of VyOS writes it. Texts that it does not have are empty. */
export interface FoundRule {
  readonly path: ConfigPath;
  readonly number: string;
  /** Empty: any. */
  readonly inboundInterface: string;
  readonly protocol: string;
  readonly destinationAddress: string;
  readonly destinationPort: string;
  readonly translationAddress: string;
}

export interface FoundSubnet {
  readonly path: ConfigPath;
  readonly network: string;
  readonly subnet: string;
  readonly node: ConfigNode;
}

const rulesPath: ConfigPath = ['nat', 'destination', 'rule'];
const networksPath: ConfigPath = ['service', 'dhcp-server', 'shared-network-name'];

const textAt = (node: ConfigNode | undefined, ...names: readonly string[]): string =>
  firstValueOf(names.reduce<ConfigNode | undefined>(childOf, node)) ?? '';

/** Every DHCP subnet. */
export const subnetsIn = (config: ConfigTree): readonly FoundSubnet[] =>
  childrenAt(config, networksPath).flatMap(([network]) => {
    const path = [...networksPath, network, 'subnet'];
    return childrenAt(config, path).map(([subnet, node]) => ({ path: [...path, subnet], network, subnet, node }));
  });

/** The values that a subnet, or else its network, gives to its clients under this name: below `option` since 1.5. */
export function subnetValues(config: ConfigTree, { network, node }: FoundSubnet, name: string): readonly string[] {
  const shared = childrenAt(config, networksPath).find(([other]) => other === network)?.[1];
  const found = [node, shared].flatMap((at) => [
    valuesOf(childOf(childOf(at, 'option'), name)),
    valuesOf(childOf(at, name)),
  ]);
  return found.find((values) => values.some((value) => value !== '')) ?? [];
}

/** The gateway that a subnet gives to its clients. Empty when there is none. */
export const gatewayOf = (config: ConfigTree, found: FoundSubnet): string =>
  subnetValues(config, found, 'default-router')[0] ?? '';

/** The static mapping that stands at `path`. */
function mappingAt({ network, subnet, path }: FoundSubnet, name: string, node: ConfigNode): FoundMapping {
  const mac = textAt(node, 'mac') || textAt(node, 'mac-address');
  return {
    path: [...path, 'static-mapping', name],
    network,
    subnet,
    name,
    mac: mac.toLowerCase(),
    ipAddress: textAt(node, 'ip-address'),
  };
}

function ruleAt(number: string, node: ConfigNode): FoundRule {
  return {
    path: [...rulesPath, number],
    number,
    inboundInterface: textAt(node, 'inbound-interface', 'name') || textAt(node, 'inbound-interface'),
    protocol: textAt(node, 'protocol'),
    destinationAddress: textAt(node, 'destination', 'address'),
    destinationPort: valuesOf(childOf(childOf(node, 'destination'), 'port')).join(','),
    translationAddress: textAt(node, 'translation', 'address'),
  };
}

/** The static mappings that are not at one of `ownedKeys`. */
export const mappingsIn = (config: ConfigTree, ownedKeys: ReadonlySet<string> = new Set()): readonly FoundMapping[] =>
  subnetsIn(config)
    .flatMap((subnet) =>
      childrenAt(config, [...subnet.path, 'static-mapping']).map(([name, node]) => mappingAt(subnet, name, node)),
    )
    .filter(({ path }) => !ownedKeys.has(keyOfPath(path)));

/** The destination rules that are not at one of `ownedKeys`. */
export const rulesIn = (config: ConfigTree, ownedKeys: ReadonlySet<string> = new Set()): readonly FoundRule[] =>
  childrenAt(config, rulesPath)
    .map(([number, node]) => ruleAt(number, node))
    .filter(({ path }) => !ownedKeys.has(keyOfPath(path)));

interface GrowingTree {
  [name: string]: GrowingTree | ConfigTree;
}

// Without a prototype, since a mapping may be called like something that JavaScript objects have by themselves.
const emptyTree = (): GrowingTree => Object.create(null);

/** `content` of owned paths as the configuration that it would be part of. */
export function asConfig(content: OwnedContent): ConfigTree {
  const root = emptyTree();
  for (const [key, tree] of content) {
    const path = pathOfKey(key);
    let at = root;
    for (const name of path.slice(0, -1)) {
      at[name] ??= emptyTree();
      at = at[name] as GrowingTree;
    }
    at[path.at(-1) ?? ''] = tree;
  }
  return root;
}
