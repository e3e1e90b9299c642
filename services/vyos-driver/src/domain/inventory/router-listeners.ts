import type { ConfigTree } from '../config-tree.ts';
import { childrenAt, firstValueOf, isTree, nodeAt, valuesOf } from '../normal-tree.ts';

/** A port on which the router itself listens. A forward on it would cut the service off, since NAT comes first. */
export interface RouterListener {
  readonly path: readonly string[];
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  /** Empty: on every address. */
  readonly address: string;
}

interface Service {
  readonly path: readonly string[];
  readonly protocols: readonly ('tcp' | 'udp')[];
  /** The leaf that holds the port; absent: it cannot be changed. */
  readonly portLeaf?: string;
  readonly defaultPorts: readonly number[];
}

const services: readonly Service[] = [
  { path: ['service', 'ssh'], protocols: ['tcp'], portLeaf: 'port', defaultPorts: [22] },
  { path: ['service', 'https'], protocols: ['tcp'], portLeaf: 'port', defaultPorts: [443] },
  { path: ['service', 'dns', 'forwarding'], protocols: ['tcp', 'udp'], portLeaf: 'port', defaultPorts: [53] },
  { path: ['service', 'ntp'], protocols: ['udp'], defaultPorts: [123] },
  { path: ['service', 'snmp'], protocols: ['udp'], defaultPorts: [161] },
  { path: ['vpn', 'ipsec'], protocols: ['udp'], defaultPorts: [500, 4_500] },
  { path: ['vpn', 'l2tp'], protocols: ['udp'], defaultPorts: [1_701] },
  { path: ['vpn', 'openconnect'], protocols: ['tcp', 'udp'], defaultPorts: [443] },
];

/** Every port on which the services of the router listen, as far as they are known here. */
export const routerListeners = (config: ConfigTree): readonly RouterListener[] => [
  ...services.flatMap((service) => ofService(config, service)),
  ...ofHttpsHosts(config),
  ...ofTunnels(config, 'wireguard', 'port', () => ['udp']),
  ...ofTunnels(config, 'openvpn', 'local-port', (protocol) => (protocol?.startsWith('tcp') ? ['tcp'] : ['udp'])),
];

function ofService(config: ConfigTree, { path, protocols, portLeaf, defaultPorts }: Service): RouterListener[] {
  if (!isTree(nodeAt(config, path))) return [];
  const configured = portLeaf === undefined ? [] : valuesOf(nodeAt(config, [...path, portLeaf])).map(Number);
  const ports = configured.length > 0 ? configured : defaultPorts;
  const addresses = valuesOf(nodeAt(config, [...path, 'listen-address']));
  return ports.flatMap((port) =>
    protocols.flatMap((protocol) =>
      (addresses.length > 0 ? addresses : ['']).map((address) => ({ path, protocol, port, address })),
    ),
  );
}

/** Up to 1.3 the API's port stands below a virtual host. */
const ofHttpsHosts = (config: ConfigTree): RouterListener[] =>
  childrenAt(config, ['service', 'https', 'virtual-host']).flatMap(([name]) => {
    const path = ['service', 'https', 'virtual-host', name];
    const port = Number(firstValueOf(nodeAt(config, [...path, 'listen-port'])) ?? 443);
    const address = firstValueOf(nodeAt(config, [...path, 'listen-address'])) ?? '';
    return [{ path, protocol: 'tcp', port, address }];
  });

const ofTunnels = (
  config: ConfigTree,
  kind: string,
  portLeaf: string,
  protocols: (configured: string | undefined) => readonly ('tcp' | 'udp')[],
): RouterListener[] =>
  childrenAt(config, ['interfaces', kind]).flatMap(([name]) => {
    const path = ['interfaces', kind, name];
    const port = firstValueOf(nodeAt(config, [...path, portLeaf]));
    if (port === undefined) return [];
    const used = protocols(firstValueOf(nodeAt(config, [...path, 'protocol'])));
    return used.map((protocol) => ({ path, protocol, port: Number(port), address: '' }));
  });
