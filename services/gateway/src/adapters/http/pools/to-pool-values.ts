import { type IpPoolSchema, type PortPoolSchema, PortProtocol, type RulePoolSchema } from '@berth/contracts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Static } from 'typebox';
import type { FieldChecks } from '../../../domain/field-checks.ts';
import { formatIpv4 } from '../../../domain/ipv4.ts';
import type { PoolKind } from '../../../domain/pools/pool-terms.ts';
import {
  type AddressSpanInput,
  type Bounds,
  type NamedSpan,
  type NumberSpanInput,
  overlapsOf,
  parseAddressSpan,
  parseNumberSpan,
  parsePoolAddress,
  parsePoolNetwork,
  rangesMaxCount,
  showAddressSpan,
} from '../../../domain/pools/value-spans.ts';
import { portRangeBounds } from '../../../domain/port-range.ts';
import { type poolChangeBodies, portBounds, ruleBounds } from './pool-bodies.ts';

/** What a change of a pool of each kind may say. */
export type PoolBody = { [Kind in PoolKind]: Static<(typeof poolChangeBodies)[Kind]> };

/** What a pool holds, as a message; only what is given is there. */
export type PoolValues =
  | { case: 'ip'; value: MessageInitShape<typeof IpPoolSchema> }
  | { case: 'port'; value: MessageInitShape<typeof PortPoolSchema> }
  | { case: 'rule'; value: MessageInitShape<typeof RulePoolSchema> };

type Readers = { readonly [Kind in PoolKind]: (body: PoolBody[Kind], checks: FieldChecks) => PoolValues };

export const protocols = { tcp: PortProtocol.TCP, udp: PortProtocol.UDP } as const;

/** The values that a body gives. What is wrong is noted in `checks`. */
export const readValues = <Kind extends PoolKind>(kind: Kind, body: PoolBody[Kind], checks: FieldChecks): PoolValues =>
  readers[kind](body, checks);

const readers: Readers = { 'ip-pools': ipValues, 'port-pools': portValues, 'rule-pools': ruleValues };

function ipValues(body: PoolBody['ip-pools'], checks: FieldChecks): PoolValues {
  const cidrs = readCidrs(body, checks);
  const ranges = readAddresses('ranges', body.ranges, checks);
  refuseOverlaps([...(cidrs ?? []), ...(ranges ?? [])], body.cidr === undefined ? 'cidrs' : 'cidr', checks);
  const exclusions = readAddresses('exclusions', body.exclusions, checks);
  const dns = body.dns?.map((server, i) => readAddress(`dns[${i}]`, server, checks));
  const { gateway, subnet, dhcp_network: dhcpNetwork } = body;
  if (subnet) checks.of('subnet', () => parsePoolNetwork(subnet));
  return {
    case: 'ip',
    value: {
      ...(cidrs && { cidrs: body.cidr === undefined ? (body.cidrs ?? []) : [body.cidr] }),
      ...(ranges && { ranges: ranges.map(({ span }) => showAddressSpan(span)) }),
      ...(exclusions && { exclusions: exclusions.map(({ span }) => showAddressSpan(span)) }),
      ...(gateway !== undefined && { gateway: gateway === null ? '' : readAddress('gateway', gateway, checks) }),
      ...(dns && { dns }),
      ...(body.lease_seconds !== undefined && { leaseSeconds: body.lease_seconds ?? 0 }),
      ...(dhcpNetwork !== undefined && { dhcpNetwork: dhcpNetwork ?? '' }),
      ...(subnet !== undefined && { subnet: subnet ?? '' }),
      ...(body.subnet_id !== undefined && { subnetId: body.subnet_id ?? 0 }),
    },
  };
}

function portValues(body: PoolBody['port-pools'], checks: FieldChecks): PoolValues {
  const single = body.port_range;
  const ranges =
    single === undefined
      ? readNumbers('ranges', body.ranges, portRangeBounds, checks)
      : spansOf([['port_range', single]], (input) => parseNumberSpan(input, portRangeBounds), checks);
  if (single !== undefined && body.ranges !== undefined) checks.add('port_range', 'says the same as ranges: give one');
  refuseOverlaps(ranges ?? [], 'ranges', checks);
  const denied = readNumbers('denied', body.denied, portBounds, checks);
  const { external_ip: externalIp } = body;
  return {
    case: 'port',
    value: {
      ...(externalIp !== undefined && {
        externalIp: externalIp === null ? '' : readAddress('external_ip', externalIp, checks),
      }),
      ...(body.interface !== undefined && { interface: body.interface ?? '' }),
      ...(ranges && { ranges: ranges.map(({ span }) => span) }),
      ...(denied && { denied: denied.map(({ span }) => span) }),
      ...(body.protocols && { protocols: body.protocols.map((protocol) => protocols[protocol]) }),
    },
  };
}

function ruleValues(body: PoolBody['rule-pools'], checks: FieldChecks): PoolValues {
  const ranges = readNumbers('ranges', body.ranges, ruleBounds, checks);
  refuseOverlaps(ranges ?? [], 'ranges', checks);
  const exclusions = readNumbers('exclusions', body.exclusions, ruleBounds, checks);
  return {
    case: 'rule',
    value: {
      ...(ranges && { ranges: ranges.map(({ span }) => span) }),
      ...(exclusions && { exclusions: exclusions.map(({ span }) => span) }),
    },
  };
}

function readCidrs(body: PoolBody['ip-pools'], checks: FieldChecks): NamedSpan[] | undefined {
  const { cidr, cidrs } = body;
  if (cidr !== undefined && cidrs !== undefined) checks.add('cidr', 'says the same as cidrs: give one');
  if (cidr !== undefined) return spansOf([['cidr', cidr]], parsePoolNetwork, checks);
  return cidrs && spansOf(numbered('cidrs', cidrs), parsePoolNetwork, checks);
}

const readAddresses = (field: string, inputs: readonly AddressSpanInput[] | undefined, checks: FieldChecks) =>
  inputs && spansOf(numbered(field, inputs), parseAddressSpan, checks);

const readNumbers = (
  field: string,
  inputs: readonly NumberSpanInput[] | undefined,
  bounds: Bounds,
  checks: FieldChecks,
) => inputs && spansOf(numbered(field, inputs), (input) => parseNumberSpan(input, bounds), checks);

/** An address as it was written; IPv4 has one form only. */
function readAddress(field: string, text: string, checks: FieldChecks): string {
  const address = checks.of(field, () => parsePoolAddress(text));
  return address === undefined ? '' : formatIpv4(address);
}

const numbered = <T>(field: string, items: readonly T[]): [string, T][] =>
  items.map((item, i) => [`${field}[${i}]`, item]);

function spansOf<T>(
  fields: readonly [string, T][],
  parse: (input: T) => NamedSpan['span'],
  checks: FieldChecks,
): NamedSpan[] {
  return fields.flatMap(([field, input]) => {
    const span = checks.of(field, () => parse(input));
    return span === undefined ? [] : [{ field, span }];
  });
}

function refuseOverlaps(spans: readonly NamedSpan[], field: string, checks: FieldChecks): void {
  if (spans.length > rangesMaxCount) checks.add(field, `must be at most ${rangesMaxCount} together with ranges`);
  for (const { field: overlapping, other } of overlapsOf(spans)) checks.add(overlapping, `overlaps ${other}`);
}
