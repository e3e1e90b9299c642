import { isIPv6 } from 'node:net';
import { inPart, WrongValue } from '../field-checks.ts';
import { formatIpv4, parseIpv4, parseNetwork } from '../ipv4.ts';

/** An inclusive span of addresses (as numbers), ports or rule numbers. */
export interface ValueSpan {
  readonly first: number;
  readonly last: number;
}

/** The ways of naming addresses: `10.0.0.5`, `10.0.0.5-10.0.0.9`, `10.0.0.0/28`, or first and last. */
export type AddressSpanInput = string | { readonly first: string; readonly last?: string };

/** The ways of naming numbers: `32000`, `"32000"`, `"32000-32099"`, first and last, or start and end. */
export type NumberSpanInput =
  | number
  | string
  | { readonly first: number; readonly last?: number }
  | { readonly start: number; readonly end?: number };

/** What numbers may be, both included. */
export interface Bounds {
  readonly minimum: number;
  readonly maximum: number;
}

/** A pool has at most so many ranges of a sort. */
export const rangesMaxCount = 1_000;

/** Addresses of whatever form, in order. */
export function parseAddressSpan(input: AddressSpanInput): ValueSpan {
  if (typeof input !== 'string') {
    const first = inPart('first', () => parsePoolAddress(input.first));
    const last = inPart('last', () => parsePoolAddress(input.last ?? input.first));
    return inOrder({ first, last }, 'last');
  }
  if (input.includes('/')) return parsePoolNetwork(input);
  const { first, last } = endsOf(input);
  return inOrder({ first: parsePoolAddress(first), last: parsePoolAddress(last) });
}

/** Numbers of whatever form, in order and within `bounds`. */
export function parseNumberSpan(input: NumberSpanInput, bounds: Bounds): ValueSpan {
  if (typeof input === 'number') return { first: numberOf(input, bounds), last: input };
  if (typeof input === 'string') {
    const { first, last } = endsOf(input);
    return inOrder({ first: numberOf(first, bounds), last: numberOf(last, bounds) });
  }
  const [from, to] = 'first' in input ? (['first', 'last'] as const) : (['start', 'end'] as const);
  const [low, high] = 'first' in input ? [input.first, input.last] : [input.start, input.end];
  const first = inPart(from, () => numberOf(low, bounds));
  const last = inPart(to, () => numberOf(high ?? low, bounds));
  return inOrder({ first, last }, to);
}

/** An address of a pool as a number. */
export function parsePoolAddress(text: string): number {
  refuseIpv6(text);
  return parseIpv4(text);
}

/** All addresses of a network of a pool. */
export function parsePoolNetwork(text: string): ValueSpan {
  refuseIpv6(text.split('/', 1)[0] ?? '');
  return parseNetwork(text);
}

/** A span of addresses in its one form of answers and messages. */
export const showAddressSpan = ({ first, last }: ValueSpan) => ({ first: formatIpv4(first), last: formatIpv4(last) });

/** A span with the field that it comes from. */
export interface NamedSpan {
  readonly field: string;
  readonly span: ValueSpan;
}

/** The fields that have a value of another one, each with that other one. Every overlap makes at least one of them known. */
export function overlapsOf(spans: readonly NamedSpan[]): readonly { field: string; other: string }[] {
  const found: { field: string; other: string }[] = [];
  let furthest: NamedSpan | undefined;
  for (const one of spans.toSorted((a, b) => a.span.first - b.span.first)) {
    if (furthest !== undefined && one.span.first <= furthest.span.last)
      found.push({ field: one.field, other: furthest.field });
    if (furthest === undefined || one.span.last > furthest.span.last) furthest = one;
  }
  return found;
}

function endsOf(text: string): { first: string; last: string } {
  const [first = '', last = first, ...rest] = text.split('-').map((end) => end.trim());
  if (rest.length > 0) throw new WrongValue('must be one value, or two with a dash between them');
  return { first, last };
}

function numberOf(value: number | string, { minimum, maximum }: Bounds): number {
  const number = typeof value === 'string' && /^[0-9]{1,9}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < minimum || number > maximum)
    throw new WrongValue(`must be a whole number from ${minimum} to ${maximum}`);
  return number;
}

function inOrder(span: ValueSpan, lastPart?: string): ValueSpan {
  if (span.first > span.last) throw new WrongValue('ends before it begins', lastPart);
  return span;
}

function refuseIpv6(text: string): void {
  if (isIPv6(text)) throw new WrongValue('must be IPv4: IPv6 is not handed out yet');
}
