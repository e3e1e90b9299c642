import { inPart, WrongValue } from '../field-checks.ts';
import { formatIpv4, octetsOf, parseIpv4, parseNetwork } from '../ipv4.ts';

/** The three ways of naming a range of addresses. */
export type AddressRangeInput =
  | { readonly base: string; readonly start: number; readonly end: number }
  | { readonly cidr: string }
  | { readonly first: string; readonly last: string };

/** An inclusive range of IPv4 addresses. */
export interface AddressRange {
  readonly first: string;
  readonly last: string;
}

/**
 * The range that the caller means: a network (all of its addresses), its first and last address, or `start` and `end` counted from
 * `base`. A base is a network's beginning: `10.10.1`, or `10.10.1.0`, whose zero octets are what `start` and `end` may fill.
 */
export function parseAddressRange(input: AddressRangeInput): AddressRange {
  if ('cidr' in input) {
    const { first, last } = inPart('cidr', () => parseNetwork(input.cidr));
    return { first: formatIpv4(first), last: formatIpv4(last) };
  }
  if ('base' in input) return fromBase(input.base, input.start, input.end);
  const first = inPart('first', () => parseIpv4(input.first));
  const last = inPart('last', () => parseIpv4(input.last));
  if (first > last) throw new WrongValue('must not be before first', 'last');
  return { first: formatIpv4(first), last: formatIpv4(last) };
}

function fromBase(base: string, start: number, end: number): AddressRange {
  const octets = octetsOf(base.replace(/\.$/, ''));
  const kept = octets?.length === 4 ? withoutTrailingZeros(octets) : octets;
  if (kept === undefined || kept.length === 4 || kept.every((octet) => octet === 0)) {
    throw new WrongValue('must be the beginning of a network such as 10.10.1 or 10.10.1.0', 'base');
  }
  const size = 256 ** (4 - kept.length);
  const lowest = kept.reduce((number, octet) => number * 256 + octet, 0) * size;
  for (const [name, offset] of Object.entries({ start, end })) {
    if (offset >= size) throw new WrongValue(`must be at most ${size - 1} with the base ${base}`, name);
  }
  if (start > end) throw new WrongValue('must not be before start', 'end');
  return { first: formatIpv4(lowest + start), last: formatIpv4(lowest + end) };
}

const withoutTrailingZeros = (octets: readonly number[]): readonly number[] =>
  octets.slice(0, 1 + octets.findLastIndex((octet) => octet !== 0));
