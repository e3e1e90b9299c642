import type { Fragment } from '../../domain/changes/fragment.ts';
import type { OwnedContent } from '../../domain/changes/plan.ts';
import type { Cause, RejectedChange } from '../../domain/changes/verdict.ts';
import type { ConfigTree } from '../../domain/config-tree.ts';
import type { OwnedResource } from '../router-ledger.ts';

/** A resource that does not stand on the router as it is applied in the ledger. */
export interface Difference {
  readonly resource: OwnedResource;
  readonly standing: OwnedContent;
  /** To be undone by us; otherwise it is only reported. */
  readonly repair: boolean;
  /** Path keys that stay as others made them even when the rest is undone. */
  readonly kept: ReadonlySet<string>;
  /** A batch of ours left something of it. */
  readonly leftover: boolean;
}

/** What is known of the owned paths: they stand as they are applied, with these differences. */
export interface Ground {
  readonly differences: Map<string, Difference>;
}

/** What the last complete reading showed of others. The reading itself held the router's secrets, and is not kept. */
export interface LastLook {
  /** Their part of NAT and DHCP. */
  readonly foreign: ConfigTree;
  /** On the monotonic clock. */
  readonly at: number;
  readonly costMs: number;
  /** Rules and mappings of others. */
  readonly foreignSize: number;
}

/** A change that failed, whose verdict waits until the router surely holds what it held before. */
export interface Condemned extends RejectedChange {
  readonly applied: Fragment;
  /** Of the refused change: they are those of its way back too. */
  readonly causes: readonly Cause[];
}

/** What the history was told last of what looks show. */
export interface LastSeen {
  /** A digest of others' part. */
  readonly foreign: string;
  /** Resources that did not stand as they are applied. */
  readonly differing: ReadonlySet<string>;
}

/** Something that keeps us from working, and when to try again (monotonic clock). */
export interface Trouble {
  readonly text: string;
  readonly tries: number;
  readonly retryAt: number;
}
