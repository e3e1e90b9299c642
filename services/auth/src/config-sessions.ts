import { availableParallelism } from 'node:os';
import type { EnvReader } from '@berth/service-kit';
import type { HashingCost } from './adapters/crypto/argon2-hasher.ts';
import type { SignInBounds } from './adapters/postgres/sessions/postgres-sign-in-throttle.ts';
import type { KeyRotation } from './app/sessions/rotate-signing-keys.ts';
import type { TokenLifetimes } from './domain/sessions/session.ts';

/** Tokens, their keys, and signing in. */
export interface SessionSettings {
  /** The `aud` of access tokens. */
  readonly audience: string;
  readonly lifetimes: TokenLifetimes;
  readonly keys: KeyRotation;
  readonly hashing: HashingCost;
  readonly signIn: SignInBounds;
}

const daySeconds = 86_400;
/** The other half is for everybody who is not signing in. */
const halfOfProcessors = Math.min(64, Math.max(1, Math.floor(availableParallelism() / 2)));
const longest = 10 * 365 * daySeconds;

/** Reads them. */
export const readSessionSettings = (read: EnvReader): SessionSettings => ({
  audience: read.text('BERTH_TOKEN_AUDIENCE', { fallback: 'berth' }),
  lifetimes: {
    accessSeconds: read.integer('BERTH_ACCESS_TOKEN_SECONDS', { min: 0, max: longest, fallback: 900 }),
    refreshSeconds: read.integer('BERTH_REFRESH_TOKEN_SECONDS', { min: 0, max: longest, fallback: 30 * daySeconds }),
  },
  keys: {
    everySeconds: read.integer('BERTH_SIGNING_KEY_SECONDS', { min: 60, max: longest, fallback: 30 * daySeconds }),
    leadSeconds: read.integer('BERTH_SIGNING_KEY_LEAD_SECONDS', { min: 0, max: daySeconds, fallback: 10 }),
  },
  hashing: {
    memoryKib: read.integer('BERTH_ARGON2_MEMORY_KIB', { min: 64, max: 4_194_304, fallback: 19_456 }),
    passes: read.integer('BERTH_ARGON2_PASSES', { min: 1, max: 100, fallback: 2 }),
    lanes: read.integer('BERTH_ARGON2_LANES', { min: 1, max: 16, fallback: 1 }),
    atOnce: read.integer('BERTH_ARGON2_AT_ONCE', { min: 1, max: 64, fallback: halfOfProcessors }),
    waiting: read.integer('BERTH_ARGON2_WAITING', { min: 0, max: 10_000, fallback: 100 }),
  },
  signIn: {
    failures: read.integer('BERTH_SIGN_IN_FAILURES', { min: 1, max: 1_000_000, fallback: 10 }),
    failuresOfAddress: read.integer('BERTH_SIGN_IN_FAILURES_OF_ADDRESS', { min: 1, max: 1_000_000, fallback: 100 }),
    windowSeconds: read.integer('BERTH_SIGN_IN_WINDOW_SECONDS', { min: 1, max: daySeconds, fallback: 900 }),
  },
});
