import type { Fragment } from '../changes/fragment.ts';
import type { OwnedContent } from '../changes/plan.ts';
import type { ConfigTree } from '../config-tree.ts';
import { dialect13 } from './dialect-1-3.ts';
import { dialect14 } from './dialect-1-4.ts';
import { dialect15, dialect15Confirming, dialect15Freezing } from './dialect-1-5.ts';
import { releaseOf } from './router-release.ts';

/** How the routers of one version behave. */
export interface RouterTraits {
  /** The release that the table was made for, for people: `1.4`, `1.5`. */
  readonly version: string;
  /** The components whose refusals come without a reason: the script's words do not reach the API. */
  readonly silentComponents: ReadonlySet<string>;
  /** The API takes `confirm_time` and `confirm`. */
  readonly confirms: boolean;
  /** The time to confirm in may begin before the commit, so that it runs on after a commit that is refused. */
  readonly timesRefusedCommits: boolean;
  /** Two writes that overlap hang the API for good (T8235). */
  readonly freezes: boolean;
  /** `GET /info` tells the version, without a key. */
  readonly tellsInfo: boolean;
}

/** How one version of VyOS writes what Berth puts there, and what is to be known of it. Everything else in the domain is the same for all versions. */
export interface Dialect extends RouterTraits {
  /** What shall stand on the router for `fragment`: one entry per mapping and rule. Empty texts are left out. */
  contentOf(fragment: Fragment): OwnedContent;
  /** The keys (`keyOfPath`) of the tag instances that `fragment` owns, in the same order. */
  ownedPaths(fragment: Fragment): readonly string[];
  /** What stands below `ownedKeys` in `config`, the answer to `showConfig []`. A key that is not there is absent from the map. */
  contentAt(config: ConfigTree, ownedKeys: Iterable<string>): OwnedContent;
  /** What the router's own migration makes of `content` that another version wrote. Content of this version stays as it is. */
  migrated(content: OwnedContent): OwnedContent;
  /** Why this version does not take `wanted` of a resource that has `applied`; undefined when it does, as far as can be told without asking. */
  problemOf(wanted: Fragment, applied: Fragment): string | undefined;
}

/** The month of the first builds with commit-confirm over HTTP (T3955), which were also the first that froze, and of the first that did not any more. */
const confirmingSince = 202506;
const mendedSince = 202603;

/**
 * The dialect of a router that names its version so (`1.5-rolling-202410210007`, `VyOS 1.4.0`, `2025.11.02-0020-rolling`); undefined when
 * Berth does not know that version. A 1.5 that does not say when it was built is taken for an early one, of which the least is expected.
 */
export function dialectFor(version: string): Dialect | undefined {
  const release = releaseOf(version);
  if (release === undefined) return undefined;
  if (release.line === '1.3') return dialect13;
  if (release.line === '1.4') return dialect14;
  const { built = 0 } = release;
  if (built < confirmingSince) return dialect15;
  return built < mendedSince ? dialect15Freezing : dialect15Confirming;
}
