import { isIPv4 } from 'node:net';

/** An IPv4 network or range, its ends as numbers. */
export interface Ipv4Range {
  readonly first: number;
  readonly last: number;
}

export const isIpv4 = (text: string): boolean => isIPv4(text);

/** The address as a number; undefined when `text` is not an IPv4 address. */
export function ipv4Number(text: string): number | undefined {
  if (!isIPv4(text)) return undefined;
  return text.split('.').reduce((number, octet) => number * 256 + Number(octet), 0);
}

export const ipv4Text = (number: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');

/** The network that `address/length` lies in; undefined when `prefix` is not one. */
export function ipv4Network(prefix: string): Ipv4Range | undefined {
  const [address = '', length = '', ...rest] = prefix.split('/');
  const number = ipv4Number(address);
  if (number === undefined || !/^(?:\d|[12]\d|3[0-2])$/.test(length) || rest.length > 0) return undefined;
  const size = 2 ** (32 - Number(length));
  const first = Math.floor(number / size) * size;
  return { first, last: first + size - 1 };
}

export const contains = ({ first, last }: Ipv4Range, address: string): boolean => {
  const number = ipv4Number(address);
  return number !== undefined && first <= number && number <= last;
};
