export { KeyCache, type KeyCacheOptions, type VerifiedKey } from './key-cache.ts';
export { type OpenKeyCache, openKeyCache } from './open-key-cache.ts';
export { presentedKey } from './presented-key.ts';
export { type Taken, TokenBuckets } from './token-buckets.ts';
