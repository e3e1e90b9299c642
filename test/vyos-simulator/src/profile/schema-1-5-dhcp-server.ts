import { container, leaf, multiLeaf, type SchemaChildren, tag, valueless } from '../domain/schema.ts';
import {
  addressList,
  description,
  disable,
  fqdn,
  ipv4Address,
  ipv4Prefix,
  macAddress,
  nameText,
  numberIn,
  oneOf,
} from './common-leaves.ts';

/** dhcp/option-v4.xml.i: below `option` since 1.5, on the subnet itself before. */
export const dhcpOptions: SchemaChildren = {
  'bootfile-name': leaf(),
  'bootfile-server': leaf({ validators: [['ipv4-address'], ['fqdn']] }),
  'bootfile-size': leaf(numberIn('1-16')),
  'captive-portal': leaf(),
  'client-prefix-length': leaf(numberIn('0-32', 'DHCP client prefix length must be 0 to 32')),
  'default-router': leaf(ipv4Address),
  'domain-name': leaf({
    ...fqdn,
    message: 'Invalid domain name (RFC 1123 section 2).\nMay only contain letters, numbers, period, and underscore.',
  }),
  'domain-search': multiLeaf(fqdn),
  'ip-forwarding': valueless,
  'ipv6-only-preferred': leaf(numberIn('0-4294967295')),
  'name-server': addressList,
  'ntp-server': addressList,
  'pop-server': addressList,
  'server-identifier': leaf(ipv4Address),
  'smtp-server': addressList,
  'static-route': tag(ipv4Prefix, { 'next-hop': leaf(ipv4Address) }),
  'tftp-server-name': leaf({ validators: [['ipv4-address'], ['fqdn']] }),
  'time-offset': leaf(),
  'time-server': addressList,
  'time-zone': leaf(),
  'vendor-option': container({ ubiquiti: container({ 'unifi-controller': leaf(ipv4Address) }) }),
  'wins-server': addressList,
  'wpad-url': leaf(),
};
const option = container(dhcpOptions);

const staticMapping: SchemaChildren = {
  description,
  disable,
  duid: leaf({
    patterns: [/^(?:[0-9A-Fa-f]{2}:){0,127}[0-9A-Fa-f]{2}$/],
    message: 'Invalid DUID, must be in the format h[[:h]...]',
  }),
  'ip-address': leaf(ipv4Address),
  mac: leaf(macAddress),
  option,
};

export const leaseTime = leaf(numberIn('0-4294967295', 'DHCP lease time must be between 0 and 4294967295 (49 days)'));
export const networkName = nameText('Invalid shared network name. May only contain letters, numbers and .-_');
export const subnetPrefix = { ...ipv4Prefix, message: 'Invalid IPv4 subnet definition' };

const subnet: SchemaChildren = {
  description,
  disable,
  exclude: addressList,
  'ignore-client-id': valueless,
  lease: leaseTime,
  option,
  range: tag(
    { ...nameText('Invalid range name, may only be alphanumeric, dot and hyphen') },
    { option, start: leaf(ipv4Address), stop: leaf(ipv4Address) },
  ),
  'static-mapping': tag({ ...fqdn, message: 'Invalid static mapping hostname' }, staticMapping),
  'subnet-id': leaf(numberIn('1-4294967295')),
};

/** `service dhcp-server` of 1.5, October 2024 (interface-definitions/service_dhcp-server.xml.in, Kea). */
export const dhcpServer = container({
  disable,
  'dynamic-dns-update': valueless,
  'high-availability': container({
    'ca-certificate': leaf(nameText()),
    certificate: leaf(nameText()),
    mode: leaf({ ...oneOf('active-active', 'active-passive'), message: 'Invalid DHCP high availability mode' }),
    name: leaf(nameText('Invalid failover peer name. May only contain letters, numbers and .-_')),
    remote: leaf(ipv4Address),
    'source-address': leaf(ipv4Address),
    status: leaf({ ...oneOf('primary', 'secondary'), message: 'Invalid DHCP failover peer status' }),
  }),
  'hostfile-update': valueless,
  'listen-address': addressList,
  'listen-interface': multiLeaf(),
  'shared-network-name': tag(networkName, {
    authoritative: valueless,
    description,
    disable,
    option,
    subnet: tag(subnetPrefix, subnet),
  }),
});
