import type { Bus } from '@berth/messaging';
import { AccessFeed } from './access-feed.ts';
import { AccessState, type FactListener } from './access-state.ts';
import { keyVerifier } from './auth-service.ts';
import { Authenticator } from './authenticator.ts';
import { KeyCache, type KeyCacheOptions } from './key-cache.ts';
import { type TokenTerms, TokenVerifier } from './token-verifier.ts';

const mostKeys = 10_000;
const refusedKeyMs = 1_500;

/** All that a process needs to know who calls. */
export interface OpenAccess {
  readonly authenticator: Authenticator;
  readonly keys: KeyCache;
  /** What auth told: groups with their limits, blocks, public keys. */
  readonly state: AccessState;
  /** Whether `state` is what auth told up to a moment ago. */
  isCurrent(): boolean;
  /** Asks auth for news now, for whoever misses something that may have been made a moment ago. Does not fail: see `isCurrent`. */
  readNow(): Promise<void>;
  stop(): void;
}

/** Opens it over the bus. `wait` is for questions about API keys: how long an answer may take, and for how long nobody may be there. */
export function openAccess(
  bus: Bus,
  options: Pick<KeyCacheOptions, 'ttlMs' | 'onLookup'> & {
    readonly wait: { readonly answerTimeoutMs: number; readonly nobodyThereMs: number };
    readonly tokens: TokenTerms;
  },
): OpenAccess {
  const { tokens: terms, wait, ...ofKeys } = options;
  const state = new AccessState();
  const feed = new AccessFeed(bus, state);
  const bounds = { refusalTtlMs: refusedKeyMs, maxEntries: mostKeys };
  const isCurrent = () => feed.isCurrent();
  const keys = new KeyCache({ verify: keyVerifier(bus, wait), isCurrent, ...bounds, ...ofKeys });
  // A lost connection may have lost a change: what comes after it is read by its position, and whoever asks in between asks auth.
  const stopForgetting = [state.onChange(forgetKeys(keys)), feed.onLapse(() => keys.clear())];
  const authenticator = new Authenticator({
    keys,
    tokens: new TokenVerifier({ state, isCurrent, terms }),
    onTokensChanged(listener) {
      const stops = [state.onChange(listener), feed.onLapse(listener)];
      return () => {
        for (const stop of stops) stop();
      };
    },
  });
  const stopFeed = feed.start();
  return {
    ...{ authenticator, keys, state, isCurrent },
    readNow: () => feed.readNow(),
    stop() {
      stopFeed();
      for (const stop of stopForgetting) stop();
    },
  };
}

/** A key's rights come from itself, its owner and the groups: whichever changed, it is asked about again. */
const forgetKeys =
  (keys: KeyCache): FactListener =>
  (news) => {
    if (news === 'everything') return keys.clear();
    if (news.case === 'group') keys.clear();
    else if (news.case === 'user') keys.forgetOf(news.value.id);
    else if (news.case === 'apiKey' && news.value.userId !== '') keys.forgetOf(news.value.userId);
    else if (news.case === 'apiKey') keys.forget(news.value.id);
  };
