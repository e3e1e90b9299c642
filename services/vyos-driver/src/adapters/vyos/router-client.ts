import type { ConfigureOutcome } from '../../domain/answer.ts';
import type { ConfigPath } from '../../domain/config-tree.ts';
import type { ReadOutcome, SaveOutcome } from '../../domain/interpret-answer.ts';
import type { Operation } from '../../domain/plan.ts';

/** Where a router is, and how to know that it is the right one. */
export interface RouterAddress {
  readonly host: string;
  readonly port: number;
  readonly key: string;
  /** PEM text of the authorities that may have signed its certificate; absent: the system's. */
  readonly caFile?: string | undefined;
  /** SHA-256 of its certificate, hexadecimal with or without colons. When given, nothing else is compared. */
  readonly fingerprint?: string | undefined;
}

export interface CallOptions {
  /** How long to wait for the whole answer, from the moment the request is sent. */
  readonly timeoutMs: number;
  /** Asked in the last synchronous step before the request is written to the open connection. */
  readonly mayStillSend: () => boolean;
}

export interface Timed<Outcome> {
  readonly outcome: Outcome;
  /** From sending to the end of the answer. */
  readonly durationMs: number;
}

export class RouterClient {
  readonly #address: RouterAddress;
  constructor(address: RouterAddress) {
    this.#address = address;
  }

  configure(_operations: readonly Operation[], _options: CallOptions): Promise<Timed<ConfigureOutcome>> {
    throw new Error(`not yet ${this.#address.host}`);
  }

  emptyConfigure(options: CallOptions): Promise<Timed<ConfigureOutcome>> {
    return this.configure([], options);
  }

  showConfig(_path: ConfigPath, _options: CallOptions): Promise<Timed<ReadOutcome>> {
    throw new Error('not yet');
  }

  exists(_path: ConfigPath, _options: CallOptions): Promise<Timed<ReadOutcome>> {
    throw new Error('not yet');
  }

  save(_options: CallOptions): Promise<Timed<SaveOutcome>> {
    throw new Error('not yet');
  }

  version(_options: CallOptions): Promise<string | undefined> {
    throw new Error('not yet');
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
