import { readFileSync } from 'node:fs';
import type { EnvReader } from '@berth/service-kit';
import type { MasterKey } from './vault.ts';

const entry = /^([A-Za-z0-9._-]{1,64}):([A-Za-z0-9+/]{43}=)$/;

/**
 * The master keys: `BERTH_ENCRYPTION_KEY_FILE` or `BERTH_ENCRYPTION_KEYS`, each a list of `id:base64` (32 bytes) with
 * commas or line breaks between. The first writes. None is allowed.
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
  return keys;
}
