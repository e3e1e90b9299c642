import type { ConfigTree } from '../config-tree.ts';
import { subnetsIn } from '../inventory/foreign-objects.ts';
import { childOf, childrenAt, isTree, nodeAt } from '../normal-tree.ts';

type Line = '1.3' | '1.4' | '1.5';

/**
 * Whether `config` (the whole configuration) can be that of a router of this line. False when something in it is written as only another
 * line writes it: the router was upgraded, or put back, since it told its version.
 */
export function hasShapeOf(line: string, config: ConfigTree): boolean {
  return signs(config).every((lines) => lines.some((one) => one === line));
}

const signs = (config: ConfigTree): readonly (readonly Line[])[] => [
  ...(isTree(nodeAt(config, ['service', 'https', 'api', 'rest'])) ? [later] : []),
  ...subnetsIn(config).flatMap(({ node }) => [
    ...(childOf(node, 'subnet-id') === undefined ? [] : [later]),
    ...childrenOf(childOf(node, 'static-mapping')).flatMap((mapping) => [
      ...(childOf(mapping, 'mac-address') === undefined ? [] : [before]),
      ...(childOf(mapping, 'mac') === undefined && childOf(mapping, 'duid') === undefined ? [] : [later]),
    ]),
  ]),
  ...childrenAt(config, ['nat', 'destination', 'rule']).flatMap(([, rule]) => {
    const inbound = childOf(rule, 'inbound-interface');
    return inbound === undefined ? [] : [isTree(inbound) ? since14 : only13];
  }),
];

const only13: readonly Line[] = ['1.3'];
const before: readonly Line[] = ['1.3', '1.4'];
const since14: readonly Line[] = ['1.4', '1.5'];
const later: readonly Line[] = ['1.5'];

const childrenOf = (node: ReturnType<typeof childOf>) => (isTree(node) ? Object.values(node) : []);
