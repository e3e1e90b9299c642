import { type ConfigTree, keyOfPath } from '../config-tree.ts';
import { asConfig } from '../inventory/foreign-objects.ts';
import type { ForeignHolding } from '../inventory/inventory.ts';

/** What holdings say of one rule or mapping. */
interface Found {
  readonly path: readonly string[];
  readonly holdings: readonly ForeignHolding[];
}

/**
 * Others' rules and mappings as far as the inventory tells of them: numbers, names, ports, MAC addresses and addresses. On which interface a rule
 * is, and which networks it names, the inventory does not say: it counts as being on all.
 */
export function configOfHoldings(holdings: readonly ForeignHolding[]): ConfigTree {
  const byPath = Map.groupBy(
    holdings.filter(({ path }) => /^nat destination rule \S+$| static-mapping \S+$/.test(path)),
    ({ path }) => path,
  );
  const found = [...byPath].map(([path, own]): Found => ({ path: path.split(' '), holdings: own }));
  return asConfig(new Map(found.map((one) => [keyOfPath(one.path), treeOf(one)])));
}

function treeOf({ path, holdings }: Found): ConfigTree {
  const named = (kind: ForeignHolding['kind']) => holdings.find((one) => one.kind === kind)?.value ?? '';
  if (path[0] !== 'nat') return { 'ip-address': named('address'), mac: named('mac') };
  const ports = holdings.filter(({ kind }) => kind === 'port');
  const protocols = [...new Set(ports.map(({ protocol }) => protocol))].sort();
  const ranges = [...new Set(ports.map(({ firstNumber, lastNumber }) => `${firstNumber}-${lastNumber}`))];
  return {
    protocol: protocols.join('_'),
    destination: { address: named('port'), ...(ranges.length > 0 ? { port: ranges.join(',') } : {}) },
  };
}
