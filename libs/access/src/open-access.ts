import type { Bus } from '@berth/messaging';
import { AccessFeed } from './access-feed.ts';
import { AccessState, type FactListener } from './access-state.ts';
import { Authenticator } from './authenticator.ts';
import type { KeyCache, KeyCacheOptions } from './key-cache.ts';
import { openKeyCache } from './open-key-cache.ts';
import { type TokenTerms, TokenVerifier } from './token-verifier.ts';

/** All that a process needs to know who calls. */
export interface OpenAccess {
  readonly authenticator: Authenticator;
  readonly keys: KeyCache;
  /** What auth told: groups with their limits, blocks, public keys. */
  readonly state: AccessState;
  /** Whether `state` is what auth told up to a moment ago. */
  isCurrent(): boolean;
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
  const { tokens: terms, ...ofKeys } = options;
  const state = new AccessState();
  const feed = new AccessFeed(bus, state);
  const { keys, stop: stopKeys } = openKeyCache(bus, ofKeys);
  const stopForgetting = state.onChange(forgetKeys(keys));
  const isCurrent = () => feed.isCurrent();
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
    stop() {
      stopFeed();
      stopForgetting();
      stopKeys();
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
