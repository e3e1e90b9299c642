const OCTET = '(?:[1-9]\\d{0,2}|0)';
const ADDRESS = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`);
const PREFIX = new RegExp(`^(${OCTET}(?:\\.${OCTET}){3})/([1-9]\\d?|0)$`);

/** The address as a number, or undefined when it is not a dotted quad (no leading zeros, as ipaddrcheck has it). */
export function ipv4ToNumber(text: string): number | undefined {
  if (!ADDRESS.test(text)) return undefined;
  const octets = text.split('.').map(Number);
  if (octets.some((octet) => octet > 255)) return undefined;
  return octets.reduce((sum, octet) => sum * 256 + octet, 0);
}

export type Ipv4Block = { readonly first: number; readonly last: number };

/** The range of addresses that `address/length` lies in, host bits or not. */
export function ipv4BlockAround(text: string): (Ipv4Block & { readonly address: number }) | undefined {
  const [, base, bits] = PREFIX.exec(text) ?? [];
  const address = base === undefined ? undefined : ipv4ToNumber(base);
  const length = Number(bits);
  if (address === undefined || length > 32) return undefined;
  const size = 2 ** (32 - length);
  const first = Math.floor(address / size) * size;
  return { address, first, last: first + size - 1 };
}

/** A network as VyOS wants it: host bits zero. */
export function ipv4Network(text: string): Ipv4Block | undefined {
  const block = ipv4BlockAround(text);
  return block !== undefined && block.address === block.first ? block : undefined;
}

export function ipv4Range(text: string): Ipv4Block | undefined {
  const [left, right, ...rest] = text.split('-');
  const first = ipv4ToNumber(left ?? '');
  const last = ipv4ToNumber(right ?? '');
  if (rest.length > 0 || first === undefined || last === undefined || first > last) return undefined;
  return { first, last };
}

export const contains = (block: Ipv4Block, address: number): boolean => block.first <= address && address <= block.last;
export const overlaps = (left: Ipv4Block, right: Ipv4Block): boolean =>
  left.first <= right.last && right.first <= left.last;
