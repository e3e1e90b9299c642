import { type EnvReader, envReader, readNatsUrl, readPublicUrl } from '@berth/service-kit';
import { networkTest } from './domain/limits/counted-address.ts';
import { maxWaitSeconds } from './domain/requests/prefer.ts';

export interface GatewayConfig {
  readonly natsUrl: string;
  readonly subjectPrefix: string;
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Several replicas listen on the same port; the system spreads the connections. */
  readonly reusePort: boolean;
  /** For how long to wait for the end of an operation when the caller does not say. */
  readonly waitSeconds: number;
  /** Of one key, on this replica; 0: no limit. */
  readonly requestsPerSecond: number;
  /** How long it is believed who holds a key; a revocation ends that at once. 0 asks each time. */
  readonly keyCacheSeconds: number;
  /** How far the event loop may be behind before requests are refused, in milliseconds; 0: no limit. */
  readonly overloadedAfterMs: number;
  /** The `iss` and `aud` of the access tokens that are let in. */
  readonly tokens: { readonly issuer: string; readonly audience: string };
  /** After this a command is refused instead of accepted. */
  readonly commandTimeoutMs: number;
  /** An answer of another service that takes longer counts as silence. */
  readonly answerTimeoutMs: number;
  /** Networks of proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  /** Networks that are neither counted by address nor ever kept out. */
  readonly neverBlock: readonly string[];
}

/** Reads the settings; throws once, naming every one that is wrong. */
export function readConfig(env: NodeJS.ProcessEnv): GatewayConfig {
  const read = envReader(env);
  return read.finish({
    natsUrl: readNatsUrl(read),
    subjectPrefix: read.text('BERTH_SUBJECT_PREFIX', {
      fallback: 'berth',
      pattern: /^[A-Za-z0-9_-]+$/,
      hint: 'letters, digits, underscores and hyphens',
    }),
    host: read.text('HOST', { fallback: '127.0.0.1' }),
    port: read.integer('PORT', { min: 0, max: 65_535, fallback: 8_800 }),
    reusePort: read.flag('BERTH_REUSE_PORT', { fallback: false }),
    waitSeconds: read.integer('BERTH_WAIT_SECONDS', { min: 0, max: maxWaitSeconds, fallback: 30 }),
    requestsPerSecond: read.integer('BERTH_RATE_LIMIT_PER_SECOND', { min: 0, fallback: 300 }),
    keyCacheSeconds: read.integer('BERTH_KEY_CACHE_SECONDS', { min: 0, max: 3_600, fallback: 30 }),
    overloadedAfterMs: read.integer('BERTH_OVERLOADED_AFTER_MS', { min: 0, fallback: 1_000 }),
    tokens: {
      issuer: readPublicUrl(read),
      audience: read.text('BERTH_TOKEN_AUDIENCE', { fallback: 'berth' }),
    },
    commandTimeoutMs: read.integer('BERTH_COMMAND_TIMEOUT_MS', { min: 100, max: 60_000, fallback: 10_000 }),
    answerTimeoutMs: read.integer('BERTH_ANSWER_TIMEOUT_MS', { min: 100, max: 60_000, fallback: 3_000 }),
    trustedProxies: proxies(read),
    neverBlock: networks(read, 'BERTH_NEVER_BLOCK', ['127.0.0.0/8', '::1']),
  });
}

/** Whoever is believed can be any address: another one for each try, or one that a key is for. */
function proxies(read: EnvReader): readonly string[] {
  const list = networks(read, 'BERTH_TRUSTED_PROXIES', []);
  if (list.some((network) => /\/0+$/.test(network))) {
    read.reject('BERTH_TRUSTED_PROXIES names every address there is: name those of your proxies alone');
  }
  return list;
}

/** `none` is an empty list. */
function networks(read: EnvReader, name: string, fallback: readonly string[]): readonly string[] {
  const given = read.list(name);
  const list = given.length === 0 ? fallback : given.filter((network) => network !== 'none');
  for (const network of list) {
    try {
      networkTest([network]);
    } catch {
      read.reject(`${name} must be networks such as 10.0.0.0/8, with commas between`);
    }
  }
  return list;
}
