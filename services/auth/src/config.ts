import { envReader } from '@berth/service-kit';
import { weaknessOf } from './domain/given-key.ts';

export interface AuthConfig {
  readonly databaseUrl: string;
  readonly natsUrl: string;
  /** What stands in front of every subject. */
  readonly prefix: string;
  /** Bootstrap keys of VYOS_API_KEYS: admin keys for as long as they are named there. Secrets. */
  readonly givenKeys: readonly string[];
  /** Where the first admin key is put; undefined: none is made. */
  readonly adminKeyFile: string | undefined;
}

export function readConfig(env: NodeJS.ProcessEnv): AuthConfig {
  const read = envReader(env);
  const givenKeys = read.list('VYOS_API_KEYS');
  for (const [index, key] of givenKeys.entries()) {
    const weakness = weaknessOf(key);
    if (weakness !== undefined) read.reject(`VYOS_API_KEYS: key ${index + 1} of ${givenKeys.length} ${weakness}`);
  }
  return read.finish({
    databaseUrl: read.url('DATABASE_URL'),
    natsUrl: read.url('NATS_URL'),
    prefix: read.text('BERTH_SUBJECT_PREFIX', {
      fallback: 'berth',
      pattern: /^[A-Za-z0-9_-]+$/,
      hint: 'made of letters, digits, _ and -',
    }),
    givenKeys,
    adminKeyFile: read.optionalText('BERTH_ADMIN_KEY_FILE'),
  });
}
