import { BlockList, isIP } from 'node:net';

/** Networks from which something may be used. */
export interface Networks {
  /** Whether this address, IPv4, IPv6 or IPv4 in IPv6, is in one of them. What is no address is in none. */
  has(address: string): boolean;
}

/** Networks written as CIDR. One that is not written so is nowhere: it lets nobody in. */
export function networksOf(written: readonly string[]): Networks {
  const list = new BlockList();
  for (const text of written) {
    const [address = '', prefix = ''] = text.split('/');
    if (isIP(address) !== 0 && /^\d+$/.test(prefix)) list.addSubnet(address, Number(prefix), familyOf(address));
  }
  return {
    has(address) {
      const plain = unmapped(address);
      return isIP(plain) !== 0 && list.check(plain, familyOf(plain));
    },
  };
}

const familyOf = (address: string) => (isIP(address) === 4 ? 'ipv4' : 'ipv6');

/** How IPv4 addresses are called on sockets that take both, and addresses of links without their zone. */
const unmapped = (address: string): string =>
  address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '').replace(/%.*$/, '');
