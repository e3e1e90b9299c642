import type { ConfigureOutcome } from '../domain/answers/answer.ts';
import type { ConfirmOutcome, ReadOutcome, SaveOutcome } from '../domain/answers/interpret-answer.ts';
import type { Operation } from '../domain/changes/plan.ts';
import type { ConfigPath } from '../domain/config-tree.ts';

/** How a request to the router is sent. */
export interface CallOptions {
  readonly timeoutMs: number;
  /** Asked in the last synchronous step before the body is written; false: nothing is sent (`not_sent`, `away`). */
  readonly mayStillSend: () => boolean;
}

/** An answer and how long it took. */
export interface Timed<Outcome> {
  readonly outcome: Outcome;
  readonly durationMs: number;
}

/** A router's HTTPS API behind its breaker. No call throws: every failure is an outcome. One call at a time. */
export interface Router {
  /** With `confirmMinutes` the router takes the commit back unless it is confirmed within that time. */
  configure(
    operations: readonly Operation[],
    options: CallOptions & { readonly confirmMinutes?: number | undefined },
  ): Promise<Timed<ConfigureOutcome>>;
  /** Keeps the commit that waits to be confirmed, whoever's it is. */
  confirm(options: CallOptions): Promise<Timed<ConfirmOutcome>>;
  /** Whether a new connection to its API can be opened from here. */
  reachable(options: Pick<CallOptions, 'timeoutMs'>): Promise<boolean>;
  /** A `/configure` without commands: changes nothing, and queues behind whatever the router still works on. */
  emptyConfigure(options: CallOptions): Promise<Timed<ConfigureOutcome>>;
  showConfig(path: ConfigPath, options: CallOptions): Promise<Timed<ReadOutcome>>;
  /** Never with an empty path: that ends the router's API process. */
  exists(path: ConfigPath, options: CallOptions): Promise<Timed<ReadOutcome>>;
  /** Without `file`: to what it starts with. */
  save(options: CallOptions & { readonly file?: string }): Promise<Timed<SaveOutcome>>;
  /** The version it runs; undefined when it did not tell. `tellsInfo` false: it is not expected to know `/info`. */
  version(options: CallOptions & { readonly tellsInfo?: boolean }): Promise<string | undefined>;
  readonly state: 'closed' | 'open' | 'half_open';
  /** How often it has closed an open connection without having said so in an answer, as a reboot does. Only grows. */
  readonly drops: number;
  /** 0 while the breaker is not open. */
  retryAfterSeconds(): number;
  onChange(listener: () => void): unknown;
  close(): Promise<void>;
}

/** Where facts are logged: fields first, then a constant sentence. */
export interface Log {
  debug(fields: object, text: string): void;
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}
