import { Branch, branchAt, Leaf } from '../domain/config-tree.ts';
import { dhcpOptions } from './schema-1-5-dhcp-server.ts';
import { ensureBranch, instancesAt, moveChild, takeChild, valueless } from './tree-moves.ts';

/** Raw text for ISC's daemon and its own switches: Kea has no place for them. */
const OF_ISC = [
  'enable-failover',
  'global-parameters',
  'host-decl-name',
  'ping-check',
  'shared-network-parameters',
  'static-mapping-parameters',
  'subnet-parameters',
];

/** 1.4 to 1.5: the DHCP server becomes Kea, and the REST API a switch of its own. */
export function migrateTo15(config: Branch): void {
  migrateDhcpServer(branchAt(config, 'service', 'dhcp-server'));
  migrateApi(branchAt(config, 'service', 'https', 'api'));
}

function migrateDhcpServer(server: Branch | undefined): void {
  let subnetId = 0;
  dropAll(server, OF_ISC);
  for (const [, network] of instancesAt(server, 'shared-network-name')) {
    dropAll(network, OF_ISC);
    moveOptions(network);
    for (const [, subnet] of instancesAt(network, 'subnet')) {
      subnetId += 1;
      dropAll(subnet, OF_ISC);
      moveOptions(subnet);
      subnet.children.set('subnet-id', new Leaf([String(subnetId)]));
      migrateMappings(subnet);
    }
  }
}

function moveOptions(holder: Branch): void {
  for (const name of Object.keys(dhcpOptions)) moveChild(holder, name, () => ensureBranch(holder, 'option'));
}

/** Names become host names: what these cannot have becomes `-`. Of two that then are the same, the first stays. */
function migrateMappings(subnet: Branch): void {
  const mappings = instancesAt(subnet, 'static-mapping');
  if (mappings.length === 0) return;
  const renamed = new Branch();
  for (const [name, mapping] of mappings) {
    dropAll(mapping, OF_ISC);
    moveChild(mapping, 'mac-address', () => mapping, 'mac');
    const hostName = name.replace(/[^A-Za-z0-9.-]/g, '-');
    if (!renamed.children.has(hostName)) renamed.children.set(hostName, mapping);
  }
  subnet.children.set('static-mapping', renamed);
}

function migrateApi(api: Branch | undefined): void {
  if (api === undefined) return;
  const rest = ensureBranch(api, 'rest');
  for (const name of ['strict', 'debug']) if (takeChild(api, name) !== undefined) rest.children.set(name, valueless());
  const graphql = branchAt(api, 'graphql');
  if (graphql === undefined) takeChild(api, 'cors');
  else moveChild(api, 'cors', () => graphql);
}

function dropAll(branch: Branch | undefined, names: readonly string[]): void {
  for (const name of names) takeChild(branch, name);
}
