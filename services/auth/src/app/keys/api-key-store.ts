import type { Permitted } from '@berth/contracts';
import type { ApiKey, ApiKeyView } from '../../domain/keys/api-key.ts';

/** An Idempotency-Key: who used it on what (`scope`), and the fingerprint of what was asked. */
export interface Idempotency {
  readonly scope: string;
  readonly key: string;
  readonly fingerprint: Uint8Array;
}

/** API keys, within a transaction. */
export interface KeyChanges {
  /** Locked against other changes until the transaction ends. */
  byId(id: string): Promise<ApiKey | undefined>;
  /** Whose key it is; not locked. */
  ownerOf(id: string): Promise<string | undefined>;
  /** The key that this secret belongs or belonged to, also when the key has ended. */
  byHash(hash: Buffer): Promise<ApiKey | undefined>;
  /** All that came from the settings, also those that have ended. */
  fromSettings(): Promise<readonly ApiKey[]>;
  /** All global admin keys that have not ended; some may have expired. */
  admins(): Promise<readonly ApiKey[]>;
  /** How many keys of this user have not ended. */
  countOf(ownerId: string): Promise<number>;
  add(key: ApiKey): Promise<void>;
  /** Writes all of it but when it was last used. */
  save(key: ApiKey): Promise<void>;
}

/** What the owner of a key may do now, and all groups that the owner is in, the home group first. */
export interface KeyOwner {
  readonly rights: Permitted;
  readonly groups: readonly string[];
}

/** A key that was found by its secret. */
export interface FoundKey {
  readonly key: ApiKey;
  /** Undefined: it has none, or one who is banned. */
  readonly owner: KeyOwner | undefined;
  /** The database's clock. */
  readonly now: Date;
}

/** Which keys are meant: all, or those of one user. */
export interface KeyChoice {
  readonly ownerId: string | undefined;
}

/** The API keys that are kept, for reading. */
export interface ApiKeyStore {
  /** The key that this secret belongs to. The caller decides whether the key still opens anything. */
  byHash(hash: Buffer): Promise<FoundKey | undefined>;
  /** A key that has not ended. */
  byId(id: string, choice: KeyChoice): Promise<ApiKeyView | undefined>;
  /** Keys that have not ended, in the order they were made, after `after`. */
  page(after: PagePosition | undefined, limit: number, choice: KeyChoice): Promise<readonly ApiKeyView[]>;
  /** Notes when keys were last used, to the minute. */
  noteUses(uses: ReadonlyMap<string, Date>): Promise<void>;
  /** Drops what is past its time. */
  tidy(): Promise<void>;
}

/** Where a page of keys begins: after the key that was made then and has that id. */
export interface PagePosition {
  readonly createdAt: Date;
  readonly id: string;
}
