import type { ConfigTree } from '../config-tree.ts';
import { firstValueOf, nodeAt } from '../normal-tree.ts';

/** What a rule leads to, and what a mapping is for: the leaves of all versions. */
const hostLeaves = [['translation', 'address'], ['ip-address'], ['mac'], ['mac-address']];

/** Whether two rules lead to the same host, or two mappings are for the same one, whatever else of them differs. */
export const sameHost = (a: ConfigTree, b: ConfigTree): boolean =>
  hostLeaves.some((leaf) => {
    const host = firstValueOf(nodeAt(a, leaf))?.toLowerCase();
    return host !== undefined && host === firstValueOf(nodeAt(b, leaf))?.toLowerCase();
  });
