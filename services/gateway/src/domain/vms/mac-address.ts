import { WrongValue } from '../field-checks.ts';

const notations = [
  /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i,
  /^[0-9a-f]{2}(-[0-9a-f]{2}){5}$/i,
  /^[0-9a-f]{2}(\.[0-9a-f]{2}){5}$/i,
  /^[0-9a-f]{4}(\.[0-9a-f]{4}){2}$/i,
];

/** A unicast MAC address in any usual notation (`:`, `-`, dots, three groups of four), as lower case with colons. */
export function parseMacAddress(text: string): string {
  if (!notations.some((notation) => notation.test(text))) {
    throw new WrongValue('must be a MAC address such as 52:54:00:12:34:56');
  }
  const digits = text.toLowerCase().replaceAll(/[^0-9a-f]/g, '');
  if (digits === '000000000000') throw new WrongValue('must not be the zero address');
  if (Number.parseInt(digits.slice(0, 2), 16) % 2 === 1) throw new WrongValue('must not be a multicast address');
  return digits.replaceAll(/(..)(?=.)/g, '$1:');
}
