import { randomBytes } from 'node:crypto';

const colonForm = (digits: string): string => (digits.match(/../g) ?? []).join(':');

/**
 * A MAC address written with `:`, `-` or dots (`aabb.ccdd.eeff`), in lower case with colons; undefined when it is none, zero or
 * multicast. The router compares MACs case-sensitively and its DHCP server does not: only one form may ever reach it.
 */
export function normalizeMac(text: string): string | undefined {
  const forms = /^([0-9a-f]{2}([:-])([0-9a-f]{2}\2){4}[0-9a-f]{2}|([0-9a-f]{4}\.){2}[0-9a-f]{4})$/i;
  if (!forms.test(text)) return undefined;
  const digits = text.replaceAll(/[^0-9a-f]/gi, '').toLowerCase();
  const multicast = Number.parseInt(digits.slice(0, 2), 16) % 2 === 1;
  return multicast || /^0+$/.test(digits) ? undefined : colonForm(digits);
}

/** A random MAC address: locally administered, for one host. 46 free bits, so that a repeat is not to be expected. */
export function generateMac(random: (size: number) => Uint8Array = randomBytes): string {
  const bytes = random(6);
  bytes[0] = ((bytes[0] ?? 0) & 0b1111_1100) | 0b10;
  return colonForm(Buffer.from(bytes).toString('hex'));
}
