import type { SystemView } from './component.ts';
import { Branch, branchAt, Leaf, type Path, sortedNames, valuesAt } from './config-tree.ts';
import type { NetChange } from './edit-session.ts';

/** The Ethernet interfaces that a configuration has: the simulated hardware, from the configuration it started with. */
export function hardwareOf(config: Branch): ReadonlySet<string> {
  return new Set(['lo', ...sortedNames(branchAt(config, 'interfaces', 'ethernet'))]);
}

/**
 * The interfaces and addresses of the system. Interfaces that are not hardware exist once configured; NAT (priority
 * 220) is committed before interfaces (318), so for it the interfaces that this commit creates are not there yet.
 */
export function systemView(config: Branch, hardware: ReadonlySet<string>, changes: readonly NetChange[]): SystemView {
  const interfaces = new Set(hardware);
  const addresses: string[] = [];
  const created = new Set(
    changes
      .filter(({ path, before }) => path[0] === 'interfaces' && before === undefined)
      .map(({ path }) => path.join(' ')),
  );
  const isNew = (path: Path): boolean => path.some((_, at) => created.has(path.slice(0, at + 1).join(' ')));
  const types = branchAt(config, 'interfaces');
  for (const type of sortedNames(types)) {
    for (const name of sortedNames(branchAt(types, type))) {
      const node = branchAt(types, type, name);
      if (type !== 'ethernet' && !isNew(['interfaces', type, name])) interfaces.add(name);
      addresses.push(...valuesAt(node, 'address'));
      for (const id of sortedNames(branchAt(node, 'vif'))) {
        if (!isNew(['interfaces', type, name, 'vif', id])) interfaces.add(`${name}.${id}`);
        addresses.push(...valuesAt(node, 'vif', id, 'address'));
      }
    }
  }
  return { interfaces, addresses };
}

/** The number of rules below `nat destination` and of static mappings: what the router's times grow with. */
export function sizeOf(config: Branch): { readonly rules: number; readonly mappings: number } {
  const rules = branchAt(config, 'nat', 'destination', 'rule')?.children.size ?? 0;
  let mappings = 0;
  const networks = branchAt(config, 'service', 'dhcp-server', 'shared-network-name');
  for (const network of networks?.children.values() ?? []) {
    const subnets = network instanceof Leaf ? undefined : branchAt(network, 'subnet');
    for (const subnet of subnets?.children.values() ?? []) {
      mappings += subnet instanceof Branch ? (branchAt(subnet, 'static-mapping')?.children.size ?? 0) : 0;
    }
  }
  return { rules, mappings };
}
