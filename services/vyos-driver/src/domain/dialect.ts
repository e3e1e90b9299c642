import type { ConfigTree } from './config-tree.ts';
import { dialect15 } from './dialect-1-5.ts';
import type { Fragment } from './fragment.ts';
import type { OwnedContent } from './plan.ts';

/** How one version of VyOS writes what Berth puts there. Everything else in the domain is the same for all versions. */
export interface Dialect {
  /** The release that the table was made for, e.g. `1.5`. */
  readonly version: string;
  /** What shall stand on the router for `fragment`: one entry per mapping and rule. Empty texts are left out. */
  contentOf(fragment: Fragment): OwnedContent;
  /** The keys (`keyOfPath`) of the tag instances that `fragment` owns, in the same order. */
  ownedPaths(fragment: Fragment): readonly string[];
  /** What stands below `ownedKeys` in `config`, the answer to `showConfig []`. A key that is not there is absent from the map. */
  contentAt(config: ConfigTree, ownedKeys: Iterable<string>): OwnedContent;
}

/**
 * The dialect of a router that names its version so (`1.5-rolling-202410210007`, `VyOS 1.5`, `2025.11.02-0020-rolling`);
 * undefined when Berth does not know that version.
 */
export function dialectFor(version: string): Dialect | undefined {
  const name = version.replace(/^VyOS\s+/i, '');
  // Since 2025 rolling images are named by their date alone; they are of the 1.5 line.
  return /^1\.5(?!\d)/.test(name) || /^20(2[5-9]|[3-9]\d)\.\d{2}/.test(name) ? dialect15 : undefined;
}
