import { BlockList, isIP, isIPv6 } from 'node:net';

const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/**
 * An address as it is counted and kept out: IPv4 as it is, IPv6 by its /64, because whoever has one address there has all of them.
 */
export function subjectOfAddress(address: string): string {
  const plain = mapped.exec(address)?.[1] ?? address;
  return isIPv6(plain) ? `ip:${first64(plain)}::/64` : `ip:${plain}`;
}

/** A test for addresses of these networks (`10.0.0.0/8`, `::1`). Throws on what is none. */
export function networkTest(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', length, ...more] = network.split('/');
    const family = isIP(address);
    const bits = family === 6 ? 128 : 32;
    const prefix = length === undefined ? bits : Number(length);
    const isLength = length === undefined || /^\d+$/.test(length); // an empty one would be 0, which is every address
    if (family === 0 || !isLength || prefix > bits || more.length > 0) throw new RangeError(`${network} is no network`);
    list.addSubnet(address, prefix, family === 6 ? 'ipv6' : 'ipv4');
  }
  return (address) => {
    const plain = mapped.exec(address)?.[1] ?? address;
    return isIP(plain) !== 0 && list.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4');
  };
}

/** The first four of the eight words, written out. */
function first64(address: string): string {
  const [head = '', tail] = (address.split('%', 1)[0] ?? '').split('::');
  const words = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const before = words(head);
  const after = words(tail ?? '').flatMap((word) => (word.includes('.') ? ['0', '0'] : [word]));
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0');
  const all = tail === undefined ? before : [...before, ...zeros, ...after];
  return all
    .slice(0, 4)
    .map((word) => Number.parseInt(word, 16).toString(16))
    .join(':');
}
