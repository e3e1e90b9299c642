import type { OwnedContent } from '../domain/changes/plan.ts';
import { sameContent } from '../domain/changes/plan-changes.ts';
import type { ConfigTree } from '../domain/config-tree.ts';
import type { RenamedPath } from '../domain/dialects/renamed-paths.ts';
import { sameHost } from '../domain/dialects/same-host.ts';

/** Whose a path is. `released`: nothing of it shall stand any more, and a reboot may bring it back until that is saved. */
export interface OwnedPath {
  readonly key: string;
  readonly resourceId: string;
  readonly released?: {
    /** The count of the commit since which nothing shall stand. */
    readonly at: bigint;
    /** What we had there: exactly that is ours when it comes back, anything else was made by somebody else since. */
    readonly contents: readonly ConfigTree[];
  };
}

/** A path that was released, with all that we ever had there. */
export interface ReleasedPath {
  readonly key: string;
  readonly contents: readonly ConfigTree[];
}

/** Which path is whose, as the lease holder knows it. The table is the truth; only the holder changes it, so this copy stays true. */
export class OwnedPaths {
  readonly #paths = new Map<string, OwnedPath>();
  readonly #keys = new Map<string, Set<string>>();
  #released = 0;

  constructor(paths: Iterable<OwnedPath>) {
    for (const path of paths) this.#put(path);
  }

  /** All that is ours, released or not. */
  keys(): Iterable<string> {
    return this.#paths.keys();
  }

  /** How many are to stand. */
  get size(): number {
    return this.#paths.size - this.#released;
  }

  /** Whose content it is that stands there. */
  ownerOf(key: string): string | undefined {
    return this.#paths.get(key)?.resourceId;
  }

  isReleased(key: string): boolean {
    return this.#paths.get(key)?.released !== undefined;
  }

  /**
   * Whether what stands at a path of ours can be ours: at a released one only what we had there, as `migrated` by the router since, or what
   * somebody made of it before it was deleted. Such a line would otherwise come back with a reboot, lead to a host that is gone, and be nobody's.
   */
  isOurs(
    key: string,
    standing: ConfigTree,
    migrated: (content: OwnedContent) => OwnedContent = (content) => content,
  ): boolean {
    const path = this.#paths.get(key);
    if (path?.released === undefined) return path !== undefined;
    const shown = new Map([[key, standing]]);
    return path.released.contents.some((content) => {
      const had = migrated(new Map([[key, content]]));
      return sameContent(shown, had) || [...had.values()].some((one) => sameHost(standing, one));
    });
  }

  keysOf(resourceId: string): ReadonlySet<string> {
    return this.#keys.get(resourceId) ?? new Set();
  }

  /** Makes the paths the resource's. A released one passes over to it. */
  claim(resourceId: string, keys: Iterable<string>): void {
    for (const key of keys) this.#put({ key, resourceId });
  }

  /** They shall not stand any more, but stay ours until the commit of that count is saved. */
  release(released: Iterable<ReleasedPath>, at: bigint): void {
    for (const { key, contents } of released) {
      const path = this.#paths.get(key);
      if (path !== undefined) this.#put({ ...path, released: { at, contents } });
    }
  }

  /** Something of ours stands there again. */
  takeBack(keys: Iterable<string>): void {
    for (const key of keys) {
      const path = this.#paths.get(key);
      if (path !== undefined) this.#put({ key, resourceId: path.resourceId });
    }
  }

  /** The router gave them other names. */
  rename(renamed: Iterable<RenamedPath>): void {
    for (const { resourceId, from, to } of renamed) {
      this.#remove(from);
      this.#put({ key: to, resourceId });
    }
  }

  /** They are not ours and never were. */
  forget(keys: Iterable<string>): void {
    for (const key of keys) this.#remove(key);
  }

  /** All commits up to that count are saved: what was released by then does not come back. */
  forgetSaved(savedCount: bigint): void {
    for (const { key, released } of this.#paths.values()) {
      if (released !== undefined && released.at <= savedCount) this.#remove(key);
    }
  }

  #put(path: OwnedPath): void {
    this.#remove(path.key);
    this.#paths.set(path.key, path);
    const own = this.#keys.get(path.resourceId) ?? new Set();
    this.#keys.set(path.resourceId, own.add(path.key));
    if (path.released !== undefined) this.#released += 1;
  }

  #remove(key: string): void {
    const path = this.#paths.get(key);
    if (path === undefined) return;
    this.#paths.delete(key);
    const own = this.#keys.get(path.resourceId);
    own?.delete(key);
    if (own?.size === 0) this.#keys.delete(path.resourceId);
    if (path.released !== undefined) this.#released -= 1;
  }
}
