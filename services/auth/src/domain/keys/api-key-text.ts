import { createHash, randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * An API key is `berth_<prefix>_<secret><checksum>` in base 62: 8 characters of public prefix, 43 of secret (256 bits), 6 of CRC-32
 * over all that stands before. The fixed beginning lets secret scanners find leaked keys; the checksum tells a typo, and a scanner's
 * false find, from a key without asking anyone.
 */
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const prefixLength = 8;
const secretLength = 43;
const checksumLength = 6;
const shape = new RegExp(
  `^berth_(?<prefix>[0-9A-Za-z]{${prefixLength}})_[0-9A-Za-z]{${secretLength}}(?<checksum>[0-9A-Za-z]{${checksumLength}})$`,
);

/** Longer texts are no key of anybody's. */
const longestKey = 512;

const randomText = (length: number): string => Array.from({ length }, () => alphabet[randomInt(62)]).join('');

function checksumOf(text: string): string {
  let rest = crc32(text);
  let digits = '';
  for (let place = 0; place < checksumLength; place++) {
    digits = alphabet[rest % 62] + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}

/** A new public prefix, without the `berth_` in front. */
export const newPrefix = (): string => randomText(prefixLength);

/** A new key under that prefix. A secret: it is shown once and stored only as its hash. */
export function newKeyText(prefix: string): string {
  const body = `berth_${prefix}_${randomText(secretLength)}`;
  return body + checksumOf(body);
}

/** The public prefix of a well-formed key; undefined for any other text. */
export function prefixOf(text: string): string | undefined {
  const groups = shape.exec(text)?.groups;
  if (groups === undefined || checksumOf(text.slice(0, -checksumLength)) !== groups['checksum']) return undefined;
  return groups['prefix'];
}

/** Whether this is a key of ours with a character wrong: it has the shape but not the checksum. */
export const isMistyped = (text: string): boolean => shape.test(text) && prefixOf(text) === undefined;

/** Whether this can be a key at all: neither empty, nor too long, nor mistyped. */
export const canBeKey = (text: string): boolean => text !== '' && text.length <= longestKey && !isMistyped(text);

/** What is stored of a key: SHA-256. Keys hold so much randomness that a slow hash would add nothing (see the decision page). */
export const hashOfKey = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest();
