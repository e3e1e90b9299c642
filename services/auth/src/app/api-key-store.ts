import type { ApiKey, ApiKeyView } from '../domain/api-key.ts';

/** An Idempotency-Key: who used it on what (`scope`), and the fingerprint of what was asked. */
export interface Idempotency {
  readonly scope: string;
  readonly key: string;
  readonly fingerprint: Uint8Array;
}

/** What an earlier run of the same request answered, without its secret. */
export interface GivenAnswer {
  readonly fingerprint: Uint8Array;
  readonly key: ApiKeyView;
}

/** One transaction over the keys: what it loads and changes is written when the work resolves, and nothing of it when it throws. */
export interface KeyChanges {
  /** The database's clock when the transaction began. */
  readonly now: Date;
  /** The database's clock at this moment. */
  currentTime(): Promise<Date>;
  /** From here to the end of the transaction no other one adds, changes or ends keys, on any replica. Call it before loading any. */
  alone(): Promise<void>;
  byId(id: string): Promise<ApiKey | undefined>;
  /** The key that this secret belongs or belonged to, also when the key has ended. */
  byHash(hash: Buffer): Promise<ApiKey | undefined>;
  /** All that came from the settings, also those that have ended. */
  fromSettings(): Promise<readonly ApiKey[]>;
  /** All admin keys that have not ended; some may have expired. */
  admins(): Promise<readonly ApiKey[]>;
  add(key: ApiKey): void;
  /**
   * Takes an Idempotency-Key for this transaction. Gives back the earlier answer when it was used within the last 24 hours; waits for a
   * transaction that is using it now.
   */
  claim(idempotency: Idempotency): Promise<GivenAnswer | undefined>;
  /** Keeps the answer with the claim. */
  remember(idempotency: Idempotency, key: ApiKeyView): Promise<void>;
}

/** The API keys that are kept. */
export interface ApiKeyStore {
  /** Runs `work` in one transaction, again after a deadlock. */
  change<T>(work: (keys: KeyChanges) => Promise<T>): Promise<T>;
  /** The key that this secret belongs to and the database's clock. The caller decides whether the key still opens anything. */
  byHash(hash: Buffer): Promise<{ key: ApiKey; now: Date } | undefined>;
  /** A key that has not ended. */
  byId(id: string): Promise<ApiKeyView | undefined>;
  /** Keys that have not ended, in the order they were made, after `after`. */
  page(after: PagePosition | undefined, limit: number): Promise<readonly ApiKeyView[]>;
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

/** Tells whoever caches keys that one has changed. */
export type TellChanged = (id: string) => void;
