import { BlockList, isIP } from 'node:net';

/** So many networks a key may name. */
export const mostNetworks = 50;

/** A network in the form that is kept: `192.0.2.0/24`, `2001:db8::/32`; an address alone is a network of one. Undefined: it is none. */
export function networkOf(text: string): string | undefined {
  const [address = '', prefix, ...more] = text.trim().toLowerCase().split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0 || address.includes('%')) return undefined;
  const longest = family === 4 ? 32 : 128;
  const length = prefix === undefined ? longest : lengthOf(prefix, longest);
  if (length === undefined) return undefined;
  new BlockList().addSubnet(address, length, family === 4 ? 'ipv4' : 'ipv6'); // throws where whoever compares would
  return `${address}/${length}`;
}

const lengthOf = (text: string, longest: number): number | undefined =>
  /^\d{1,3}$/.test(text) && Number(text) <= longest ? Number(text) : undefined;
