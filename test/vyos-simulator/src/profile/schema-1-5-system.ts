import {
  type ContainerSchema,
  container,
  leaf,
  multiLeaf,
  type SchemaChildren,
  tag,
  valueless,
} from '../domain/schema.ts';
import { description, disable, ipv4Address, ipv4Prefix, macAddress, numberIn, oneOf } from './common-leaves.ts';

const addressOnInterface = multiLeaf({
  patterns: [/^(?:dhcp|dhcpv6)$/],
  validators: [['ipv4-host'], ['ipv6-address']],
});

/** `interfaces`, as far as addresses and names go; `more` is what Ethernet interfaces and their VLANs have beside that. */
export const interfacesWith = (more: SchemaChildren): ContainerSchema =>
  container({
    dummy: tag(
      { patterns: [/^dum[0-9]+$/], message: 'Dummy interface must be named dumN' },
      { address: addressOnInterface, description, disable, mtu: leaf(numberIn('68-16000')), vrf: leaf() },
    ),
    ethernet: tag(
      { patterns: [/^(?:(?:eth|lan)[0-9]+|(?:eno|ens|enp|enx).+)$/], message: 'Invalid Ethernet interface name' },
      {
        ...more,
        address: addressOnInterface,
        description,
        disable,
        duplex: leaf({ ...oneOf('auto', 'half', 'full'), message: 'duplex must be auto, half or full' }),
        'hw-id': leaf(macAddress),
        mac: leaf(macAddress),
        mtu: leaf(numberIn('68-16000', 'MTU must be between 68 and 16000')),
        offload: container({
          gro: valueless,
          gso: valueless,
          lro: valueless,
          rps: valueless,
          sg: valueless,
          tso: valueless,
        }),
        speed: leaf({
          ...oneOf('auto', '10', '100', '1000', '2500', '5000', '10000', '25000', '40000', '50000', '100000'),
          message: 'Speed must be auto, 10, 100, 1000, 2500, 5000, 10000, 25000, 40000, 50000 or 100000',
        }),
        vif: tag(numberIn('0-4094', 'VLAN ID must be between 0 and 4094'), {
          ...more,
          address: addressOnInterface,
          description,
          disable,
          mtu: leaf(numberIn('68-16000')),
          vrf: leaf(),
        }),
        vrf: leaf(),
      },
    ),
    loopback: tag({ patterns: [/^lo$/] }, { address: addressOnInterface, description }),
  });

/** `interfaces` of 1.4 and 1.5. */
export const interfaces = interfacesWith({});

const cors = container({ 'allow-origin': multiLeaf() });
const keys = container({ id: tag({}, { key: leaf() }) });
const graphql: SchemaChildren = {
  authentication: container({
    expiration: leaf(numberIn('60-31536000')),
    'secret-length': leaf(numberIn('16-65535')),
    type: leaf(oneOf('key', 'token')),
  }),
  introspection: valueless,
};

const httpsWith = (api: ContainerSchema): ContainerSchema =>
  container({
    'allow-client': container({ address: multiLeaf({ validators: [['ipv4-address'], ['ipv4-prefix']] }) }),
    api,
    certificates: container({ 'ca-certificate': leaf(), certificate: leaf(), 'dh-params': leaf() }),
    'enable-http-redirect': valueless,
    'listen-address': multiLeaf({ validators: [['ipv4-address'], ['ipv6-address']] }),
    port: leaf(numberIn('1-65535', 'Port number must be in range 1 to 65535')),
    'request-body-size-limit': leaf(numberIn('1-256')),
    'tls-version': multiLeaf(oneOf('1\\.2', '1\\.3')),
    vrf: leaf(),
  });

/** `service https` of 1.5: the API is on when `api rest` is set. */
export const https = httpsWith(
  container({
    keys,
    rest: container({ debug: valueless, strict: valueless }),
    graphql: container({ ...graphql, cors }),
  }),
);

/** `service https` of 1.4: the API is on when `api` is there. */
export const https14 = httpsWith(
  container({ cors, debug: valueless, graphql: container(graphql), keys, strict: valueless }),
);

/** `service https` of 1.3: served by virtual hosts; the API is on when `api` is there. */
export const https13 = container({
  api: container({
    debug: valueless,
    keys,
    port: leaf(numberIn('1-65535')),
    socket: valueless,
    strict: valueless,
  }),
  'api-restrict': container({ 'virtual-host': multiLeaf() }),
  certificates: container({ 'ca-certificate': leaf(), certificate: leaf() }),
  'virtual-host': tag(
    {},
    { 'listen-address': leaf(), 'listen-port': leaf(numberIn('1-65535')), 'server-name': multiLeaf() },
  ),
});

export const ssh = container({
  'access-control': container({}),
  'disable-password-authentication': valueless,
  'listen-address': multiLeaf({ validators: [['ipv4-address'], ['ipv6-address']] }),
  port: multiLeaf(numberIn('1-65535', 'Port number must be in range 1 to 65535')),
});

const ntpClients = container({ address: multiLeaf({ validators: [['ipv4-address'], ['ipv4-prefix']] }) });
const ntpParts: SchemaChildren = {
  'listen-address': multiLeaf({ validators: [['ipv4-address'], ['ipv6-address']] }),
  server: tag({}, { noselect: valueless, nts: valueless, pool: valueless, prefer: valueless }),
};
export const ntp = container({ ...ntpParts, 'allow-client': ntpClients });
/** Of 1.3, below `system`. */
export const ntp13 = container({ ...ntpParts, 'allow-clients': ntpClients });

const syslogFacilities = tag({}, { level: leaf() });

const configManagement: SchemaChildren = {
  'commit-archive': container({ location: multiLeaf() }),
  'commit-revisions': leaf(numberIn('1-65535', 'Number of revisions must be between 1 and 65535')),
};

/** `system`, the leaves that a small router has. */
export const system = container({
  'config-management': container(configManagement),
  console: container({ device: tag({}, { speed: leaf() }) }),
  'domain-name': leaf(),
  'domain-search': multiLeaf(),
  'host-name': leaf({
    patterns: [/^[A-Za-z0-9][-.A-Za-z0-9]*[A-Za-z0-9]$/, /^[A-Za-z0-9]$/],
    message: 'Host-name must be alphanumeric and can contain hyphens',
  }),
  login: container({
    user: tag(
      { patterns: [/^[-_a-zA-Z0-9.]{1,100}$/] },
      {
        authentication: container({
          'encrypted-password': leaf(),
          'plaintext-password': leaf(),
          'public-keys': tag({}, { key: leaf(), options: leaf(), type: leaf() }),
        }),
        'full-name': leaf(),
      },
    ),
  }),
  'name-server': multiLeaf({ validators: [['ipv4-address'], ['ipv6-address']] }),
  option: container({ 'keyboard-layout': leaf(), performance: leaf(), 'startup-beep': valueless }),
  'static-host-mapping': container({ 'host-name': tag({}, { alias: multiLeaf(), inet: multiLeaf(ipv4Address) }) }),
  syslog: container({
    global: container({ facility: syslogFacilities, 'preserve-fqdn': valueless }),
    host: tag({}, { facility: syslogFacilities, port: leaf(numberIn('1-65535')), protocol: leaf(oneOf('udp', 'tcp')) }),
  }),
  'time-zone': leaf(),
});

/** `system` since commit-confirm can revert instead of rebooting. */
export const system2025 = container({
  ...system.children,
  'config-management': container({
    ...configManagement,
    'commit-confirm': container({ action: leaf(oneOf('reload', 'reboot')) }),
  }),
});

export const protocols = container({
  static: container({
    route: tag(ipv4Prefix, {
      blackhole: container({ distance: leaf(numberIn('1-255')) }),
      description,
      'next-hop': tag(ipv4Address, { disable, distance: leaf(numberIn('1-255')), interface: leaf() }),
    }),
  }),
});
