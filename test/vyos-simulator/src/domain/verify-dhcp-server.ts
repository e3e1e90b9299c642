import { type CommitView, type ConfigScript, type Finding, nothingFound } from './component.ts';
import { type Branch, branchAt, sortedNames, valueAt, valuesAt } from './config-tree.ts';
import { contains, type Ipv4Block, ipv4BlockAround, ipv4Network, ipv4ToNumber, overlaps } from './ipv4.ts';
import { type MappingRules, StaticMappingIndex } from './static-mapping-index.ts';

/** In what the versions' scripts differ. */
export type DhcpServerRules = {
  readonly mappings: MappingRules;
  /** Subnets must have an id, and no two the same. */
  readonly subnetIds: boolean;
  /** The node that pairs two servers, and what it is called in messages. */
  readonly pair: 'failover' | 'high-availability';
  readonly pairIsCalled: string;
};

/** service_dhcp-server.py of 1.5 (October 2024, Kea). */
export const dhcpRules15: DhcpServerRules = {
  mappings: {
    identifiers: ['mac', 'duid'],
    unidentified: (name, where) =>
      `Either MAC address or Client identifier (DUID) is required for static mapping "${name}" within shared-network "${where}"!`,
    unique: ['ip-address', 'mac', 'duid'],
  },
  subnetIds: true,
  pair: 'high-availability',
  pairIsCalled: 'high-availability',
};

const byMacOnly = (name: string, where: string): string =>
  `MAC address required for static mapping "${name}"\nwithin shared-network "${where}"!`;

/** service_dhcp-server.py of 1.4 (ISC). */
export const dhcpRules14: DhcpServerRules = {
  mappings: { identifiers: ['mac-address'], unidentified: byMacOnly, unique: ['ip-address', 'mac-address'] },
  subnetIds: false,
  pair: 'high-availability',
  pairIsCalled: 'failover',
};

/** dhcp_server.py of 1.3 (ISC): it looks for no duplicates at all. */
export const dhcpRules13: DhcpServerRules = {
  mappings: { identifiers: ['mac-address'], unidentified: byMacOnly, unique: [] },
  subnetIds: false,
  pair: 'failover',
  pairIsCalled: 'failover',
};

/** The router's script for `service dhcp-server`: the first error in the order of the configuration. */
export class DhcpServerScript implements ConfigScript {
  readonly #rules: DhcpServerRules;
  readonly #mappings = new Map<string, StaticMappingIndex>();

  constructor(rules: DhcpServerRules) {
    this.#rules = rules;
  }

  verify(view: CommitView): Finding {
    this.#follow(view);
    const dhcp = branchAt(view.proposed, 'service', 'dhcp-server');
    if (dhcp === undefined || dhcp.children.has('disable')) return nothingFound;
    const error =
      networksError(dhcp, this.#mappings, this.#rules) ??
      highAvailabilityError(dhcp, this.#rules) ??
      listenError(dhcp, view);
    return error === undefined ? nothingFound : { warnings: [], error };
  }

  forget(): void {
    this.#mappings.clear();
  }

  /** Brings the indexes up to what is proposed; a change above single mappings drops all of them. */
  #follow(view: CommitView): void {
    for (const { path } of view.changes) {
      const [service, server, , network = '', , cidr = '', list, name] = path;
      if (service !== 'service' || (server !== undefined && server !== 'dhcp-server')) continue;
      if (list !== undefined && list !== 'static-mapping') continue;
      if (name === undefined) this.#mappings.clear();
      else this.#mappings.get(`${network}\0${cidr}`)?.update(name, branchAt(view.proposed, ...path.slice(0, 8)));
    }
  }
}

type Seen = {
  readonly rules: DhcpServerRules;
  readonly ids: Set<string>;
  readonly subnets: Map<string, Ipv4Block>;
  readonly mappings: Map<string, StaticMappingIndex>;
};

function networksError(
  dhcp: Branch,
  mappings: Map<string, StaticMappingIndex>,
  rules: DhcpServerRules,
): string | undefined {
  const networks = branchAt(dhcp, 'shared-network-name');
  if (networks === undefined)
    return 'No DHCP shared networks configured.\nAt least one DHCP shared network must be configured.';
  const seen: Seen = { rules, ids: new Set(), subnets: new Map(), mappings };
  let active = 0;
  for (const name of sortedNames(networks)) {
    const network = branchAt(networks, name);
    if (!network?.children.has('disable')) active += 1;
    const subnets = branchAt(network, 'subnet');
    if (subnets === undefined) return `No subnets defined for ${name}. At least one\nlease subnet must be configured.`;
    for (const cidr of sortedNames(subnets)) {
      const subnet = branchAt(subnets, cidr);
      const error = subnet && (subnetError(name, cidr, subnet, seen) ?? overlapError(cidr, seen));
      if (error !== undefined) return error;
    }
  }
  return active < 1 ? 'At least one shared network must be active!' : undefined;
}

function subnetError(network: string, cidr: string, subnet: Branch, seen: Seen): string | undefined {
  const wrongId = seen.rules.subnetIds ? subnetIdError(cidr, subnet, seen) : undefined;
  if (wrongId !== undefined) return wrongId;
  const block = ipv4Network(cidr);
  if (block === undefined) return undefined;
  const ranges = rangesError(network, cidr, subnet, block);
  if (ranges.error !== undefined) return ranges.error;
  // The script reuses its variable: once two ranges were compared, messages name the range in the network's place.
  const where = `${ranges.networkName}, ${cidr}`;
  for (const excluded of valuesAt(subnet, 'exclude')) {
    if (!contains(block, ipv4ToNumber(excluded) ?? -1))
      return `Excluded IP address "${excluded}" not within shared-network "${where}"!`;
  }
  const mappings = branchAt(subnet, 'static-mapping');
  if (mappings !== undefined) return mappingsError(`${network}\0${cidr}`, mappings, block, where, seen);
  if (branchAt(subnet, 'range') !== undefined) return undefined;
  return `No DHCP address range or active static-mapping configured\nwithin shared-network "${where}"!`;
}

function subnetIdError(cidr: string, subnet: Branch, seen: Seen): string | undefined {
  const id = valueAt(subnet, 'subnet-id');
  if (id === undefined) return `Unique subnet ID not specified for subnet "${cidr}"`;
  if (seen.ids.has(id)) return `Subnet ID for subnet "${cidr}" is not unique`;
  seen.ids.add(id);
  return undefined;
}

function mappingsError(key: string, mappings: Branch, block: Ipv4Block, where: string, seen: Seen): string | undefined {
  const index = seen.mappings.get(key) ?? new StaticMappingIndex(mappings, block, seen.rules.mappings);
  seen.mappings.set(key, index);
  return index.error(where);
}

type RangesFinding = { readonly error?: string; readonly networkName: string };

function rangesError(network: string, cidr: string, subnet: Branch, block: Ipv4Block): RangesFinding {
  const ranges = branchAt(subnet, 'range');
  const before: { text: string; block: Ipv4Block }[] = [];
  let networkName = network;
  for (const name of sortedNames(ranges)) {
    const start = valueAt(ranges, name, 'start');
    const stop = valueAt(ranges, name, 'stop');
    if (start === undefined || stop === undefined) {
      return { error: `DHCP range "${name}" start and stop address must be defined!`, networkName };
    }
    const range = { first: ipv4ToNumber(start) ?? -1, last: ipv4ToNumber(stop) ?? -1 };
    const outside = [range.first, range.last].findIndex((address) => !contains(block, address));
    if (outside >= 0) {
      const key = outside === 0 ? 'start' : 'stop';
      return {
        error: `DHCP range "${name}" ${key} address not within shared-network "${networkName}, ${cidr}"!`,
        networkName,
      };
    }
    if (range.last < range.first) {
      return {
        error: `DHCP range "${name}" stop address must be greater or equal\nto the ranges start address!`,
        networkName,
      };
    }
    const taken = takenEnd(range, before);
    networkName = taken?.by ?? before.at(-1)?.text ?? networkName;
    if (taken !== undefined) {
      const address = taken.end === 'start' ? start : stop;
      return { error: `Range "${name}" ${taken.end} address "${address}" already part of another range!`, networkName };
    }
    before.push({ text: `${start}-${stop}`, block: range });
  }
  return { networkName };
}

function takenEnd(
  range: Ipv4Block,
  others: readonly { text: string; block: Ipv4Block }[],
): { end: 'start' | 'stop'; by: string } | undefined {
  for (const { text, block } of others) {
    if (contains(block, range.first)) return { end: 'start', by: text };
    if (contains(block, range.last)) return { end: 'stop', by: text };
  }
  return undefined;
}

function overlapError(cidr: string, seen: Seen): string | undefined {
  if (seen.subnets.has(cidr)) return `Configured subnets must be unique! Subnet "${cidr}"\ndefined multiple times!`;
  const block = ipv4Network(cidr);
  if (block === undefined) return undefined;
  const other = [...seen.subnets].find(([, known]) => overlaps(block, known));
  seen.subnets.set(cidr, block);
  return other === undefined ? undefined : `Conflicting subnet ranges: "${cidr}" overlaps "${other[0]}"!`;
}

function highAvailabilityError(dhcp: Branch, rules: DhcpServerRules): string | undefined {
  const pair = branchAt(dhcp, rules.pair);
  if (pair === undefined) return undefined;
  const missing = ['name', 'remote', 'source-address', 'status'].find((key) => !pair.children.has(key));
  if (missing !== undefined) return `DHCP ${rules.pairIsCalled} requires "${missing}" to be specified!`;
  if (pair.children.has('certificate') === pair.children.has('ca-certificate')) return undefined;
  return 'DHCP secured high-availability requires both certificate and CA certificate';
}

function listenError(dhcp: Branch, view: CommitView): string | undefined {
  const own = view.system.addresses;
  const listenAddresses = valuesAt(dhcp, 'listen-address');
  const absent = listenAddresses.find((address) => !own.some((one) => one.split('/')[0] === address));
  if (absent !== undefined) return `listen-address "${absent}" not configured on any interface`;
  if (listenAddresses.length === 0 && !servesAConnectedSubnet(dhcp, own)) {
    return (
      'None of the configured subnets have an appropriate primary IP address on any\n' +
      'broadcast interface configured, nor was there an explicit listen-address\nconfigured for serving DHCP relay packets!'
    );
  }
  const listenInterfaces = valuesAt(dhcp, 'listen-interface');
  if (listenAddresses.length > 0 && listenInterfaces.length > 0)
    return 'Cannot define listen-address and listen-interface at the same time';
  const gone = listenInterfaces.find((name) => !view.system.interfaces.has(name));
  return gone === undefined ? undefined : `listen-interface "${gone}" does not exist`;
}

/** True when an address of an interface lies in a subnet of a network that is not disabled. */
function servesAConnectedSubnet(dhcp: Branch, own: readonly string[]): boolean {
  const networks = branchAt(dhcp, 'shared-network-name');
  return sortedNames(networks).some((name) => {
    const network = branchAt(networks, name);
    if (network?.children.has('disable')) return false;
    return sortedNames(branchAt(network, 'subnet')).some((cidr) => {
      const block = ipv4Network(cidr);
      return block !== undefined && own.some((address) => contains(block, ipv4BlockAround(address)?.address ?? -1));
    });
  });
}
