/** Which path is whose, as the lease holder knows it. The table is the truth; only the holder changes it, so this copy stays true. */
export class OwnedPaths {
  readonly #owners = new Map<string, string>();
  readonly #keys = new Map<string, Set<string>>();
  #sinceLook = new Set<string>();

  constructor(paths: Iterable<{ readonly key: string; readonly resourceId: string }>) {
    for (const { key, resourceId } of paths) this.claim(resourceId, [key]);
  }

  keys(): Iterable<string> {
    return this.#owners.keys();
  }

  get size(): number {
    return this.#owners.size;
  }

  ownerOf(key: string): string | undefined {
    return this.#owners.get(key);
  }

  keysOf(resourceId: string): ReadonlySet<string> {
    return this.#keys.get(resourceId) ?? new Set();
  }

  claim(resourceId: string, keys: Iterable<string>): void {
    const own = this.#keys.get(resourceId) ?? new Set();
    this.#keys.set(resourceId, own);
    for (const key of keys) {
      own.add(key);
      this.#owners.set(key, resourceId);
      this.#sinceLook.add(key);
    }
  }

  release(keys: Iterable<string>): void {
    for (const key of keys) {
      const owner = this.#owners.get(key);
      if (owner === undefined) continue;
      this.#owners.delete(key);
      const own = this.#keys.get(owner);
      own?.delete(key);
      if (own?.size === 0) this.#keys.delete(owner);
    }
  }

  /** From now on only what is owned now, or will be, counts as ours in a configuration that was just read. */
  markLook(): void {
    this.#sinceLook = new Set(this.#owners.keys());
  }

  /** All that was ours at some time since the last look: what the last reading shows there is not somebody else's. */
  oursSinceLook(): ReadonlySet<string> {
    return this.#sinceLook;
  }
}
