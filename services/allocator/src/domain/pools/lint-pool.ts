import { formatIpv4, parseIpv4, parsePrefix } from '../ipv4.ts';
import { includes, type NumberRange } from '../number-range.ts';
import { addressesOf, subnetOf } from './known-subnets.ts';
import type { RouterPlace } from './place-pool.ts';
import type { IpPoolSpec, Pool } from './pool.ts';
import type { SegmentRanges } from './pool-segments.ts';
import type { PoolUse } from './pool-use.ts';

/** Something about a pool that people should know. */
export interface PoolWarning {
  readonly code: string;
  readonly message: string;
  /** The configuration on the router that it is about; may be empty. */
  readonly path: string;
}

/** What of a pool others hold on the router, by sort. */
export interface ForeignFact {
  readonly sort: 'dynamic-range' | 'router-address' | 'router-service' | 'other';
  /** How many things of that sort. */
  readonly count: number;
  /** One of them: where it stands, and its first value. */
  readonly path: string;
  readonly first: number;
}

/** What is known of a pool besides what it is written to be. */
export interface PoolFacts {
  readonly foreign: readonly ForeignFact[];
  /** What it is written to have, and other pools have. */
  readonly gaveWay: readonly SegmentRanges[];
  readonly use: PoolUse;
}

const most = 20;
const mostExamples = 3;

/** What of a pool is never handed out, and what else people should know: few rows, however much there is. */
export function lintPool(pool: Pool, place: RouterPlace, { foreign, gaveWay, use }: PoolFacts): PoolWarning[] {
  const { spec } = pool;
  const value = (number: number) => (spec.kind === 'ip-pools' ? formatIpv4(number) : String(number));
  return [
    ...(spec.kind === 'ip-pools' ? lintAddresses(spec, place) : []),
    ...(gaveWay.length > 0 ? [roomMade(gaveWay, value)] : []),
    ...foreign.map((fact) => foreignWarning(fact, value(fact.first))),
    ...(use.thresholdReached > 0 ? [nearlyFull(use)] : []),
  ].slice(0, most);
}

const things = (count: number, one: string, many: string) => (count === 1 ? one : `${count} ${many}`);

function foreignWarning({ sort, count, path }: ForeignFact, example: string): PoolWarning {
  switch (sort) {
    case 'dynamic-range': {
      const what = things(count, 'A range', 'ranges');
      const message = `${what} that the router's DHCP gives out by itself, beginning at ${example}: such addresses are not handed out.`;
      return { code: 'POOL_OVERLAPS_DYNAMIC_RANGE', message, path };
    }
    case 'router-address': {
      const message = `${things(count, 'An address', 'addresses')} of the router itself, ${example}: not handed out.`;
      return { code: 'POOL_HOLDS_ROUTER_ADDRESS', message, path };
    }
    case 'router-service': {
      const message = `${things(count, 'A port', 'ports')} of a service of the router itself, ${example}: not handed out.`;
      return { code: 'POOL_HOLDS_ROUTER_SERVICE', message, path };
    }
    default: {
      const message = `${things(count, 'A value', 'values')} that others hold on the router, ${example}: not handed out.`;
      return { code: 'POOL_HOLDS_FOREIGN_VALUES', message, path };
    }
  }
}

function roomMade(gaveWay: readonly SegmentRanges[], value: (number: number) => string): PoolWarning {
  const texts = gaveWay.flatMap(({ space: { kind }, ranges }) =>
    ranges.map(({ first, last }) => {
      const text = first === last ? value(first) : `${value(first)}-${value(last)}`;
      return kind === 'tcp' || kind === 'udp' ? `${text} (${kind})` : text;
    }),
  );
  const more = texts.length - mostExamples;
  const list =
    texts.slice(0, mostExamples).join(', ') + (more > 0 ? ` and ${things(more, '1 more range', 'more ranges')}` : '');
  return { code: 'POOL_GAVE_WAY', message: `Other pools have ${list}: not handed out from this one.`, path: '' };
}

const nearlyFull = ({ used, free, thresholdReached }: PoolUse): PoolWarning => ({
  code: 'POOL_NEARLY_FULL',
  message: `${Math.floor(used * 100)} % are used, ${free} values are free; the threshold of ${Math.round(thresholdReached * 100)} % is reached.`,
  path: '',
});

function lintAddresses(spec: IpPoolSpec, place: RouterPlace): PoolWarning[] {
  const found = subnetOf(spec, place);
  const range = found && parsePrefix(found.subnet);
  if (!range) return [];
  const { network, subnet, gateway } = found;
  const path = network === '' ? '' : `service dhcp-server shared-network-name ${network} subnet ${subnet}`;
  const ranges = addressesOf(spec);
  const never = (code: string, what: string, address: number | undefined): PoolWarning[] =>
    address !== undefined && ranges.some((one) => includes(one, { first: address, last: address }))
      ? [{ code, message: `${formatIpv4(address)} is ${what} of ${subnet}: not handed out.`, path }]
      : [];
  return [
    ...(isNet(range) ? never('POOL_HOLDS_NETWORK_ADDRESS', 'the network address', range.first) : []),
    ...(isNet(range) ? never('POOL_HOLDS_BROADCAST_ADDRESS', 'the broadcast address', range.last) : []),
    ...never('POOL_HOLDS_GATEWAY', 'the gateway', parseIpv4(gateway)),
    ...differences(spec, place, subnet, path),
  ];
}

/** Subnets of up to two addresses have neither network nor broadcast address. */
const isNet = ({ first, last }: NumberRange): boolean => last - first >= 3;

/** What the pool says of its subnet and the router has otherwise: Berth does not change it there. */
function differences(spec: IpPoolSpec, place: RouterPlace, subnet: string, path: string): PoolWarning[] {
  const there = place.subnets.find((one) => one.subnet === subnet);
  if (!there) return [];
  const sets: readonly [string, string, string][] = [
    ['gateway', spec.gateway, there.gateway],
    ['name servers', spec.dns.join(', '), there.nameServers.join(', ')],
    ['lease', spec.leaseSeconds ? `${spec.leaseSeconds} s` : '', there.leaseSeconds ? `${there.leaseSeconds} s` : ''],
    ['subnet id', spec.subnetId ? String(spec.subnetId) : '', there.subnetId ? String(there.subnetId) : ''],
    ['shared network', spec.dhcpNetwork, there.network],
  ];
  return sets
    .filter(([, here, onRouter]) => here !== '' && here !== onRouter)
    .map(([what, here, onRouter]) => ({
      code: 'POOL_SETTINGS_DIFFER',
      message: `The ${what} of ${subnet}: the pool says ${here}, the router ${onRouter || 'nothing'}.`,
      path,
    }));
}
