import type { AuditAuthor } from '@berth/contracts';
import type { RouterTerms } from '../../domain/routers/router-settings.ts';
import type { SealedKey } from './key-vault.ts';

/** A router as it is registered. */
export interface RegisteredRouter {
  readonly name: string;
  readonly terms: RouterTerms;
  /** Undefined for the router of the environment, whose key is in no table. */
  readonly sealedKey: SealedKey | undefined;
  /** See `KeyVault.fingerprint`; empty when nobody could tell. */
  readonly keyFingerprint: string;
  readonly fromSettings: boolean;
  readonly enabled: boolean;
  /** Counts the changes of its settings. */
  readonly revision: bigint;
  /** Changes whenever it is reached in another way: a session belongs to one. */
  readonly connection: bigint;
  /** Somebody wants its lease for a while. */
  readonly borrowed: boolean;
}

/** What a change of the registry leaves; `connectionChanged`: sessions with the old settings end. */
export type NewRegistration = Pick<
  RegisteredRouter,
  'terms' | 'sealedKey' | 'keyFingerprint' | 'fromSettings' | 'enabled'
> & { readonly connectionChanged: boolean };

/** What keeps a router from being removed, or from being added. */
export interface RouterUse {
  /** The name of another router that differs in case alone; empty: there is none. */
  readonly namedAlike: string;
  /** VMs that have something on it, or may have. */
  readonly vms: number;
  readonly waitingChanges: number;
  readonly unsettledBatches: number;
}

/** An Idempotency-Key with whose it is, and a digest of what was asked with it. */
export interface KeyUse {
  readonly scope: string;
  readonly key: string;
  readonly fingerprint: Uint8Array;
}

/** What goes with a change of the registry. */
export interface RegistryWrite {
  /** In whose name the audit log has it. */
  readonly author: AuditAuthor;
  /** After this moment, by the database's clock, it is refused. */
  readonly deadline?: Date | undefined;
  readonly key?: KeyUse | undefined;
}

/** What the first to use the key is answered, in the words of the bus. */
export interface RegistryAnswer {
  readonly answer: Uint8Array;
  /** It was answered before, and nothing was done now. */
  readonly replayed: boolean;
}

export type RegistryDecision =
  | { readonly kind: 'keep' }
  | { readonly kind: 'put'; readonly registration: NewRegistration }
  | { readonly kind: 'remove' };

/** Where routers are registered. All replicas share it; what is told to others leaves with the transaction that changes it. */
export interface RouterRegistry {
  /** Notes that this replica lives for so long, and gives back all routers that are not removed and how many replicas live. */
  beat(replica: string, aliveMs: number): Promise<{ routers: readonly RegisteredRouter[]; replicas: number }>;
  /** The replica counts no more. */
  leave(replica: string): Promise<void>;
  all(): Promise<readonly RegisteredRouter[]>;
  /**
   * What `decide` says of a router (undefined: none of that name) beside all others, under a lock on all of them, in one transaction with its entry of the audit log; what is kept is none. Throws `unavailable` DEADLINE_PASSED
   * when it comes after `deadline` by the database's clock. With the `key` of an earlier change nothing is done, and the answer is that one's; throws
   * `unprocessable` IDEMPOTENCY_KEY_REUSED when that asked for something else. The answer is how the router is then; empty: removed.
   */
  change(
    name: string,
    write: RegistryWrite,
    decide: (
      known: RegisteredRouter | undefined,
      use: RouterUse,
      others: readonly RegisteredRouter[],
    ) => RegistryDecision,
  ): Promise<RegistryAnswer>;
  /** Replaces a sealed key and its fingerprint by those of the same key under another master key, unless somebody has changed it meanwhile. */
  reseal(name: string, before: SealedKey, after: SealedKey, keyFingerprint: string): Promise<void>;
  /** Replaces the fingerprint of a key of the settings by that of the same key under another master key, unless it is another one by now. */
  renameKey(name: string, before: string, after: string): Promise<void>;
  /** Says why nobody can work the router, while nobody does. */
  tellTrouble(name: string, reason: string): Promise<void>;
  /** Keeps everybody but `holder` from taking the router's lease for so long, once it is given back; false while somebody else does so. */
  borrow(name: string, holder: string, forMs: number): Promise<boolean>;
  giveBack(name: string, holder: string): Promise<void>;
  /** Whether a request to the router may still run. */
  hasOpenBatch(name: string): Promise<boolean>;
}
