import type { Principal } from '@berth/contracts';
import type { KeyCache } from './key-cache.ts';
import type { TokenVerifier } from './token-verifier.ts';

/** A JWT begins with `{"` in base64url. No key of ours does, and none may that people choose. */
const tokenPattern = /^eyJ[\w-]*\.[\w-]*\.[\w-]*$/;

/** Whether a caller shows an access token, not an API key. */
export const isAccessToken = (credential: string): boolean => tokenPattern.test(credential);

/** Who calls, by whatever they show: an access token or an API key. */
export class Authenticator {
  readonly #keys: KeyCache;
  readonly #tokens: TokenVerifier;
  readonly #onTokensChanged: (listener: () => void) => () => void;

  constructor(deps: {
    keys: KeyCache;
    tokens: TokenVerifier;
    onTokensChanged: (listener: () => void) => () => void;
  }) {
    this.#keys = deps.keys;
    this.#tokens = deps.tokens;
    this.#onTokensChanged = deps.onTokensChanged;
  }

  /** `address`: from where it is shown. Throws `unauthenticated`, or `unavailable` when it cannot be known. */
  principalOf(credential: string, address: string): Promise<Principal> {
    return isAccessToken(credential)
      ? this.#tokens.principalOf(credential)
      : this.#keys.principalOf(credential, address);
  }

  /** Whether it is known whose it is, so that it is no guess. */
  knows(credential: string): boolean {
    return isAccessToken(credential) ? this.#tokens.knows(credential) : this.#keys.knows(credential);
  }

  /** Calls `listener` whenever somebody who was let in before may not be let in again. Gives back its stop. */
  onForgotten(listener: () => void): () => void {
    const stops = [this.#keys.onForgotten(listener), this.#onTokensChanged(listener)];
    return () => {
      for (const stop of stops) stop();
    };
  }
}
