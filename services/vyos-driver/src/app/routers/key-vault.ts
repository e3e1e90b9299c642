/** An API key as it is stored. */
export interface SealedKey {
  readonly bytes: Buffer;
  /** The name of the master key that it is encrypted with. */
  readonly masterKeyId: string;
}

/** Encrypts and decrypts the API keys of routers. */
export interface KeyVault {
  /** The name of the master key that new ones are encrypted with; undefined: there is none, and only reading may work. */
  readonly writesWith: string | undefined;
  /** Throws `conflict` ENCRYPTION_KEY_MISSING. */
  seal(key: string, router: string, keyId: string): SealedKey;
  /** Throws `conflict` ROUTER_KEY_UNREADABLE when it was sealed with a master key that is not here, or for another router. */
  open(sealed: SealedKey, router: string, keyId: string): string;
  /** Tells keys apart, without a way back to them: 8 hexadecimal digits. Throws `conflict` ENCRYPTION_KEY_MISSING. */
  fingerprint(key: string): string;
  /** What `fingerprint` says of a key under each master key, the one that writes first. */
  fingerprints(key: string): readonly string[];
}
