import { WrongValue } from './field-checks.ts';

const octet = '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
const address = new RegExp(`^${octet}(\\.${octet}){3}$`);
const octets = new RegExp(`^${octet}(\\.${octet}){0,3}$`);

/** The octets of a dotted address or of its beginning (`10.10.1`); undefined when it is neither. */
export const octetsOf = (text: string): readonly number[] | undefined =>
  octets.test(text) ? text.split('.').map(Number) : undefined;

/** A dotted IPv4 address as a number. Leading zeros are refused: some programs read them as octal. */
export function parseIpv4(text: string): number {
  if (!address.test(text)) throw new WrongValue('must be an IPv4 address such as 10.10.1.50');
  return text.split('.').reduce((number, part) => number * 256 + Number(part), 0);
}

/** The dotted form of an address. */
export const formatIpv4 = (number: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');

/** The first and last address of a network such as `10.10.1.0/24`; bits beyond the prefix must be zero. */
export function parseNetwork(text: string): { first: number; last: number } {
  const [base = '', prefix = '', ...rest] = text.split('/');
  if (rest.length > 0 || !/^(3[0-2]|[12]?[0-9])$/.test(prefix) || !address.test(base)) {
    throw new WrongValue('must be an IPv4 network such as 10.10.1.0/24');
  }
  const first = parseIpv4(base);
  const size = 2 ** (32 - Number(prefix));
  if (first % size !== 0) {
    throw new WrongValue(
      `has bits set beyond its prefix; the network is ${formatIpv4(first - (first % size))}/${prefix}`,
    );
  }
  return { first, last: first + size - 1 };
}
