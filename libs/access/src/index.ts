export { AccessState, type FactListener } from './access-state.ts';
export { Authenticator } from './authenticator.ts';
export { KeyCache, type KeyCacheOptions, type VerifiedKey } from './key-cache.ts';
export { type OpenAccess, openAccess } from './open-access.ts';
export { presentedKey } from './presented-key.ts';
export { type CountedRefusals, RefusalCounts } from './refusal-counts.ts';
export { type Taken, TokenBuckets } from './token-buckets.ts';
export type { TokenTerms } from './token-verifier.ts';
