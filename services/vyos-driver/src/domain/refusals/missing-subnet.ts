import type { OwnedContent } from '../changes/plan.ts';
import type { ConfigTree } from '../config-tree.ts';
import { asConfig, mappingsIn, subnetsIn } from '../inventory/foreign-objects.ts';

/**
 * Why no mapping of `content` can be put on a router with this DHCP configuration: it would be in a subnet that is not there. Up to 1.4 the router would
 * make that subnet without a word; later ones refuse it at the cost of a commit.
 */
export function missingSubnet(config: ConfigTree, content: OwnedContent): string | undefined {
  const subnets = subnetsIn(config);
  const lost = mappingsIn(asConfig(content)).find(
    ({ network, subnet }) => !subnets.some((one) => one.network === network && one.subnet === subnet),
  );
  return lost && `The router has no DHCP subnet ${lost.subnet} in the shared network ${lost.network}.`;
}
