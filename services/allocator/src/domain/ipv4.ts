import type { NumberRange } from './number-range.ts';

const octet = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const pattern = new RegExp(`^${octet}\\.${octet}\\.${octet}\\.${octet}$`);

/** An address in dotted form as a number; undefined when it is none (leading zeros are not taken: some readers see octal there). */
export function parseIpv4(text: string): number | undefined {
  const match = pattern.exec(text);
  return match ? match.slice(1).reduce((number, part) => number * 256 + Number(part), 0) : undefined;
}

export const formatIpv4 = (number: number): string =>
  [24, 16, 8, 0].map((bits) => Math.floor(number / 2 ** bits) % 256).join('.');

/** All addresses of a prefix such as `10.0.0.0/24`; undefined when it is none or has bits set behind its length. */
export function parsePrefix(text: string): NumberRange | undefined {
  const [address = '', length = ''] = text.split('/', 2);
  const first = parseIpv4(address);
  if (first === undefined || !/^(\d|[12]\d|3[0-2])$/.test(length)) return undefined;
  const size = 2 ** (32 - Number(length));
  return first % size === 0 ? { first, last: first + size - 1 } : undefined;
}

/** `a-b`, a prefix, or one address. */
export function parseAddressRange(text: string): NumberRange | undefined {
  if (text.includes('/')) return parsePrefix(text);
  const [from = '', to = from] = text.split('-', 2).map((part) => part.trim());
  const first = parseIpv4(from);
  const last = parseIpv4(to);
  return first === undefined || last === undefined || first > last ? undefined : { first, last };
}

/** The addresses of a subnet that a host may have: without network and broadcast address where there are such (up to /30). */
export const hostAddresses = (subnet: NumberRange): NumberRange =>
  subnet.last - subnet.first >= 3 ? { first: subnet.first + 1, last: subnet.last - 1 } : subnet;
