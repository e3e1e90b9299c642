import { DomainError, isKind } from '@berth/errors';
import { type MasterKey, Vault } from '@berth/vault';
import type { KeyVault, SealedKey } from '../../app/routers/key-vault.ts';

const fingerprintPurpose = 'berth router key fingerprint';

/** Encrypts routers' API keys, bound to the router's name and the key's id, so that a row copied to another router cannot be read. */
export class RouterKeyVault implements KeyVault {
  readonly #vault: Vault;

  constructor(keys: readonly MasterKey[]) {
    this.#vault = new Vault(keys);
  }

  get writesWith(): string | undefined {
    return this.#vault.writesWith;
  }

  seal(key: string, router: string, keyId: string): SealedKey {
    return this.#vault.seal(key, [router, keyId]);
  }

  open(sealed: SealedKey, router: string, keyId: string): string {
    try {
      return this.#vault.open(sealed, [router, keyId]);
    } catch (error) {
      if (!isKind(error, 'conflict')) throw error;
      throw new DomainError('conflict', 'ROUTER_KEY_UNREADABLE', `The router's API key: ${error.message}`);
    }
  }

  fingerprint(key: string): string {
    return this.#vault.fingerprint(key, fingerprintPurpose);
  }

  fingerprints(key: string): readonly string[] {
    return this.#vault.fingerprints(key, fingerprintPurpose);
  }
}
