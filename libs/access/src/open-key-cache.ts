import type { Bus } from '@berth/messaging';
import { keepKeysTrue, keyVerifier } from './auth-service.ts';
import { KeyCache, type KeyCacheOptions } from './key-cache.ts';

const mostEntries = 10_000;
const refusedKeyMs = 1_500;

/** A cache of keys in use. */
export interface OpenKeyCache {
  readonly keys: KeyCache;
  /** Ends listening to notices. */
  stop(): void;
}

/**
 * A cache that asks auth over the bus and hears of revocations. `wait`: how long an answer may take, and for how long nobody may be there
 * while a replica restarts.
 */
export function openKeyCache(
  bus: Bus,
  options: Pick<KeyCacheOptions, 'ttlMs' | 'onLookup'> & {
    readonly wait: { readonly answerTimeoutMs: number; readonly nobodyThereMs: number };
  },
): OpenKeyCache {
  const { wait, ...rest } = options;
  const bounds = { refusalTtlMs: refusedKeyMs, maxEntries: mostEntries };
  const keys = new KeyCache({ verify: keyVerifier(bus, wait), ...bounds, ...rest });
  return { keys, stop: keepKeysTrue(bus, keys) };
}
