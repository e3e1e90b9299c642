import { type Branch, branchAt, sortedNames, valueAt, valuesAt } from '../domain/config-tree.ts';
import type { Profile } from '../profile/profile.ts';
import { type Answer, refused, success } from './answer.ts';
import { toSetCommands } from './config-formats.ts';
import type { RouterState } from './router-state.ts';
import { renderTable } from './simple-table.ts';

type Show = (router: RouterState) => string;

const shows: Record<string, Show> = {
  version: (router) => versionText(router.profile),
  'configuration commands': (router) => `${toSetCommands(router.store.running).join('\n')}\n`,
  interfaces,
  'nat destination rules': (router) => destinationRules(router),
  'nat destination statistics': (router) => destinationStatistics(router),
  'nat destination translations': () => 'Entries not found\n',
  'dhcp server leases': () =>
    renderTable(
      [
        'IP Address',
        'MAC address',
        'State',
        'Lease start',
        'Lease expiration',
        'Remaining',
        'Pool',
        'Hostname',
        'Origin',
      ],
      [],
    ),
  'dhcp server static-mappings': (router) => staticMappings(router),
};

/** `/show`: the texts of a few op-mode commands; anything else is an invalid command, as far as the simulator knows. */
export function show(router: RouterState, path: readonly string[]): Answer {
  if (path.length === 0) return refused('\n  Incomplete command: show\n\n');
  const command = path.join(' ');
  const isThere = command !== 'dhcp server static-mappings' || router.profile.showsMappings;
  const text = isThere && Object.hasOwn(shows, command) ? shows[command]?.(router) : undefined;
  return text === undefined ? refused(`\n  Invalid command: show [${path.join(' ')}]\n\n`) : success(text);
}

function versionText({ version, releaseTrain, releaseFlavor }: Profile): string {
  const rows: [string, string][] = [
    ['Version', `VyOS ${version}`],
    ['Release train', releaseTrain],
    ...(releaseFlavor === undefined ? [] : ([['Release flavor', releaseFlavor]] satisfies [string, string][])),
    ['', ''],
    ['Built by', 'simulator'],
    ['Architecture', 'x86_64'],
    ['Boot via', 'livecd'],
    ['System type', 'KVM guest'],
    ['', ''],
    ['Copyright', 'VyOS maintainers and contributors'],
  ];
  return rows.map(([label, text]) => (label === '' ? '\n' : `${`${label}:`.padEnd(18)}${text}\n`)).join('');
}

function destinationRules(router: RouterState): string {
  const rules = branchAt(router.store.running, 'nat', 'destination', 'rule');
  const rows = sortedNames(rules).flatMap((name) => {
    const rule = branchAt(rules, name);
    if (rule?.children.has('disable')) return [];
    const port = (side: string): string => valueAt(rule, side, 'port') ?? 'any';
    const toPort = valueAt(rule, 'translation', 'port');
    return [
      [
        `${name}\n`,
        `${valueAt(rule, 'source', 'address') ?? '0.0.0.0/0'}\nsport ${port('source')}`,
        `${valueAt(rule, 'destination', 'address') ?? '0.0.0.0/0'}\ndport ${port('destination')}`,
        shownProtocol(valueAt(rule, 'protocol'), valueAt(rule, 'destination', 'port')),
        inboundInterface(rule) ?? 'any',
        `${shownTarget(valueAt(rule, 'translation', 'address') ?? '')}\n${toPort === undefined ? '' : `port ${toPort}`}`,
      ],
    ];
  });
  return renderTable(['Rule', 'Source', 'Destination', 'Proto', 'In-Int', 'Translation'], rows);
}

/** A leaf in 1.3, later a node with the name in it. */
const inboundInterface = (rule: Branch | undefined): string | undefined =>
  valueAt(rule, 'inbound-interface', 'name') ?? valueAt(rule, 'inbound-interface');

/** The op-mode script finds the protocol only beside a range or a list of ports, else it shows "any". */
function shownProtocol(protocol: string | undefined, port: string | undefined): string {
  return (protocol === 'tcp' || protocol === 'udp') && /[-,]/.test(port ?? '') ? protocol.toUpperCase() : 'any';
}

/** A range is shown as the Python value it is inside the op-mode script. */
function shownTarget(address: string): string {
  const [first, last] = address.split('-');
  return last === undefined ? address : `{'range': ['${first}', '${last}']}`;
}

function interfaces(router: RouterState): string {
  const types = branchAt(router.store.running, 'interfaces');
  const rows = sortedNames(types).flatMap((type) =>
    sortedNames(branchAt(types, type)).map((name) => {
      if (name === 'lo') return ['lo', '127.0.0.1/8\n::1/128', '00:00:00:00:00:00', 'default', '65536', 'u/u', ''];
      const node = branchAt(types, type, name);
      const addresses = valuesAt(node, 'address').join('\n') || '-';
      const mac = valueAt(node, 'hw-id') ?? '00:00:00:00:00:00';
      const up = node?.children.has('disable') ? 'A/D' : 'u/u';
      return [
        name,
        addresses,
        mac,
        valueAt(node, 'vrf') ?? 'default',
        valueAt(node, 'mtu') ?? '1500',
        up,
        valueAt(node, 'description') ?? '',
      ];
    }),
  );
  const head = ['Interface', 'IP Address', 'MAC', 'VRF', 'MTU', 'S/L', 'Description'];
  return `Codes: S - State, L - Link, u - Up, D - Down, A - Admin Down\n${renderTable(head, rows, ['MTU'])}`;
}

function destinationStatistics(router: RouterState): string {
  const rules = branchAt(router.store.running, 'nat', 'destination', 'rule');
  const rows = sortedNames(rules)
    .filter((name) => !branchAt(rules, name)?.children.has('disable'))
    .map((name) => [name, '0', '0', inboundInterface(branchAt(rules, name)) ?? 'any']);
  return renderTable(['Rule', 'Packets', 'Bytes', 'Interface'], rows);
}

function staticMappings(router: RouterState): string {
  const networks = branchAt(router.store.running, 'service', 'dhcp-server', 'shared-network-name');
  const rows = sortedNames(networks).flatMap((network) => {
    const subnets = branchAt(networks, network, 'subnet');
    return sortedNames(subnets).flatMap((cidr) => {
      const mappings = branchAt(subnets, cidr, 'static-mapping');
      return sortedNames(mappings).map((name) => {
        const cells = ['ip-address', 'mac', 'duid', 'description'].map(
          (leaf) => valueAt(mappings, name, leaf) ?? 'N/A',
        );
        return [network, cidr, name, ...cells];
      });
    });
  });
  return renderTable(['Pool', 'Subnet', 'Name', 'IP Address', 'MAC Address', 'DUID', 'Description'], rows);
}
