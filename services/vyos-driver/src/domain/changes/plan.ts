import type { ConfigPath, ConfigTree } from '../config-tree.ts';

/** One command of a `/configure` request. A value stands at the end of its path. */
export interface Operation {
  readonly op: 'set' | 'delete';
  readonly path: ConfigPath;
}

/**
 * What stands (or shall stand) below owned paths: key of the owned path (a tag instance such as `nat destination rule 10000`) → content.
 * A path that is absent from the map does not exist.
 */
export type OwnedContent = ReadonlyMap<string, ConfigTree>;

/** The way of one resource from what is there to what shall be there. Both name only paths that this resource owns. */
export interface ResourceChange {
  readonly resourceId: string;
  readonly from: OwnedContent;
  readonly to: OwnedContent;
}

/** Operations by what they cost on the router. */
export interface OperationCounts {
  readonly natSets: number;
  readonly mappingSets: number;
  readonly deletes: number;
}

/**
 * What is sent in one commit. The same input gives the same plan; planning again after it was applied gives no operations. The operations are
 * written out when they are first asked for; what they come to is known before.
 */
export interface Plan {
  /** Deletes first, then sets; each group in the order of the changes. */
  readonly operations: readonly Operation[];
  /** The operations of each resource that has any. */
  readonly byResource: ReadonlyMap<string, readonly Operation[]>;
  readonly counts: OperationCounts;
  readonly restartsDhcp: boolean;
  /** Size of the request body without the key, in bytes. */
  readonly bodyBytes: number;
}
