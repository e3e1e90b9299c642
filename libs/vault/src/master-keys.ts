import { readFileSync } from 'node:fs';
import type { EnvReader } from '@berth/service-kit';
import type { MasterKey } from './vault.ts';

const entry = /^([A-Za-z0-9._-]{1,64}):([A-Za-z0-9+/]{43}=)$/;

/**
 * The master keys: `BERTH_ENCRYPTION_KEY_FILE` or `BERTH_ENCRYPTION_KEYS`, each a list of `id:base64` (32 bytes) with
 * commas or line breaks between. The first writes. None is allowed; a first
 * one that somebody could guess is not, and after it such a one may still read what it had sealed.
 */
export function readMasterKeys(read: EnvReader): readonly MasterKey[] {
  const file = read.optionalText('BERTH_ENCRYPTION_KEY_FILE');
  const list = read.optionalText('BERTH_ENCRYPTION_KEYS');
  if (file !== undefined && list !== undefined) {
    read.reject('BERTH_ENCRYPTION_KEY_FILE and BERTH_ENCRYPTION_KEYS are both set: choose one');
    return [];
  }
  if (list !== undefined) return parse(read, 'BERTH_ENCRYPTION_KEYS', list);
  if (file === undefined) return [];
  try {
    return parse(read, 'BERTH_ENCRYPTION_KEY_FILE', readFileSync(file, 'utf8'));
  } catch {
    read.reject('BERTH_ENCRYPTION_KEY_FILE cannot be read');
    return [];
  }
}

function parse(read: EnvReader, name: string, text: string): readonly MasterKey[] {
  const entries = text
    .split(/[,\n]/)
    .map((one) => one.trim())
    .filter((one) => one !== '');
  const keys = entries.flatMap((one) => {
    const [, id = '', base64 = ''] = entry.exec(one) ?? [];
    return id === '' ? [] : [{ id, bytes: Buffer.from(base64, 'base64') }];
  });
  const distinct = new Set(keys.map(({ id }) => id)).size;
  if (keys.length === 0 || keys.length !== entries.length || distinct !== keys.length) {
    read.reject(`${name} must be a list of id:key, each key 32 bytes in base64, each id once`);
  }
  const [writing] = keys;
  const weakness = writing && weaknessOfBytes(writing.bytes);
  if (weakness !== undefined) {
    read.reject(
      `${name}: the key ${writing?.id} ${weakness}. Put one of random bytes before it (openssl rand -base64 32): whatever it had sealed is sealed anew`,
    );
  }
  return keys;
}

/** Of 32 random bytes about 30 differ; fewer than 16 is no accident that anybody will see. */
const fewestDifferent = 16;

/** Why these cannot be random bytes; undefined when they may be. */
function weaknessOfBytes(bytes: Buffer): string | undefined {
  if (new Set(bytes).size < fewestDifferent) return 'repeats the same few bytes';
  if (bytes.subarray(0, 16).equals(bytes.subarray(16))) return 'repeats its first half';
  const steps = new Set([...bytes.subarray(1)].map((byte, at) => byte - (bytes[at] ?? 0)));
  if (steps.size < 5) return 'is bytes in a row';
  if (bytes.every((byte) => byte >= 0x20 && byte < 0x7f)) return 'is text';
  return undefined;
}
