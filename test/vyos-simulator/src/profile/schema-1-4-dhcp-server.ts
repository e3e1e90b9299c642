import { container, leaf, multiLeaf, type SchemaChildren, tag, valueless } from '../domain/schema.ts';
import { addressList, description, disable, ipv4Address, macAddress, nameText, oneOf } from './common-leaves.ts';
import { dhcpOptions, leaseTime, networkName, subnetPrefix } from './schema-1-5-dhcp-server.ts';

const { 'captive-portal': _captivePortal, 'time-zone': _timeZone, ...optionsBefore15 } = dhcpOptions;

const staticMapping: SchemaChildren = {
  disable,
  'ip-address': leaf(ipv4Address),
  'mac-address': leaf(macAddress),
  'static-mapping-parameters': multiLeaf(),
};

/** ISC's raw text: whatever is given to the daemon as it is. */
const rawText = multiLeaf();

const subnet: SchemaChildren = {
  ...optionsBefore15,
  description,
  'enable-failover': valueless,
  exclude: addressList,
  lease: leaseTime,
  'ping-check': valueless,
  range: tag(
    { patterns: [/^[-_a-zA-Z0-9.]+$/], message: 'Invalid range name, may only be alphanumeric, dot and hyphen' },
    { start: leaf(ipv4Address), stop: leaf(ipv4Address) },
  ),
  'static-mapping': tag(
    {
      patterns: [/^[-_a-zA-Z0-9.]+$/],
      message: 'Invalid static mapping name, may only be alphanumeric, dot and hyphen',
    },
    staticMapping,
  ),
  'subnet-parameters': rawText,
};

const pairOfServers: SchemaChildren = {
  name: leaf(nameText('Invalid failover peer name. May only contain letters, numbers and .-_')),
  remote: leaf(ipv4Address),
  'source-address': leaf(ipv4Address),
  status: leaf({ ...oneOf('primary', 'secondary'), message: 'Invalid DHCP failover peer status' }),
};

const server: SchemaChildren = {
  disable,
  'dynamic-dns-update': valueless,
  'global-parameters': rawText,
  'host-decl-name': valueless,
  'hostfile-update': valueless,
  'listen-address': addressList,
  'shared-network-name': tag(networkName, {
    authoritative: valueless,
    description,
    disable,
    'domain-name': optionsBefore15['domain-name'] ?? leaf(),
    'domain-search': optionsBefore15['domain-search'] ?? multiLeaf(),
    'name-server': addressList,
    'ntp-server': addressList,
    'ping-check': valueless,
    'shared-network-parameters': rawText,
    subnet: tag(subnetPrefix, subnet),
  }),
};

/** `service dhcp-server` of 1.4 (ISC): options on the subnet itself, no subnet ids, mappings by `mac-address`. */
export const dhcpServer14 = container({
  ...server,
  'high-availability': container({
    ...pairOfServers,
    mode: leaf({ ...oneOf('active-active', 'active-passive'), message: 'Invalid DHCP high availability mode' }),
  }),
});

/** `service dhcp-server` of 1.3: as 1.4, and a pair of servers is called failover. */
export const dhcpServer13 = container({ ...server, failover: container(pairOfServers) });
