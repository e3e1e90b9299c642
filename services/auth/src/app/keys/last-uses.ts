import type { ApiKeyStore } from './api-key-store.ts';

const minuteMs = 60_000;

/** When keys were last used, gathered in memory and written in batches: at most one write a minute for each key. */
export class LastUses {
  readonly #keys: Pick<ApiKeyStore, 'noteUses'>;
  readonly #waiting = new Map<string, Date>();
  readonly #writtenMinute = new Map<string, number>();

  constructor(deps: { keys: Pick<ApiKeyStore, 'noteUses'> }) {
    this.#keys = deps.keys;
  }

  note(id: string, at: Date): void {
    if (this.#writtenMinute.get(id) !== minuteOf(at)) this.#waiting.set(id, at);
  }

  /** Writes what has gathered. When that fails it stays for the next time. */
  async flush(): Promise<void> {
    if (this.#waiting.size === 0) return;
    const uses = new Map(this.#waiting);
    await this.#keys.noteUses(uses);
    for (const [id, at] of uses) {
      this.#writtenMinute.set(id, minuteOf(at));
      if (this.#waiting.get(id) === at) this.#waiting.delete(id);
    }
  }
}

const minuteOf = (at: Date): number => Math.floor(at.getTime() / minuteMs);
