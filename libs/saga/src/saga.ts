import type { DomainError } from '@berth/errors';

/**
 * What a step came to for one instance.
 * `done`: go on. `finished`: the whole saga has succeeded, the steps after this one have nothing to do. `waiting`: somebody else has been
 * asked; `resumeSaga` brings the answer. `again`: undo everything, but do not fail: the saga is to be started again later.
 */
export type StepOutcome =
  | { readonly kind: 'done' | 'finished' | 'waiting' | 'again' }
  | { readonly kind: 'failed'; readonly error: DomainError };

export const done: StepOutcome = { kind: 'done' };
export const finished: StepOutcome = { kind: 'finished' };
export const waiting: StepOutcome = { kind: 'waiting' };
export const again: StepOutcome = { kind: 'again' };
export const failed = (error: DomainError): StepOutcome => ({ kind: 'failed', error });

/** Outcomes by the instance's id. An instance that is not named has done the step. */
export type StepOutcomes = ReadonlyMap<string, StepOutcome>;

/** One step, with the way back beside it. Both take many instances at once, so that many requests share a transaction. */
export interface Step<Instance, Deps> {
  readonly name: string;
  /** Safe to repeat. A foreseen failure is an outcome of the instance it belongs to; a throw fails the transaction for all. */
  run(instances: readonly Instance[], deps: Deps): Promise<StepOutcomes>;
  /** Safe to repeat, and safe where `run` never happened. Absent: nothing to take back; a comment beside the step says why. */
  undo?(instances: readonly Instance[], deps: Deps): Promise<void>;
}

/** Steps in order. All ids are chosen before a saga starts, so that a repeat touches the same rows. */
export interface Saga<Instance extends { readonly id: string }, Deps> {
  readonly name: string;
  readonly steps: readonly Step<Instance, Deps>[];
  /**
   * The step that decides. Up to it (and with it) a failure takes everything back; once it is done there is no way back, only forward:
   * a later step that cannot do its work throws, its transaction is rolled back, and it is tried again from the same progress.
   */
  readonly pivot: string;
}

/** Where an instance stands. What is stored suffices to go on in another process. */
export type Progress =
  | { readonly state: 'waiting'; readonly step: string }
  | { readonly state: 'succeeded' }
  | { readonly state: 'failed'; readonly error: DomainError }
  /** Undone, to be started again. */
  | { readonly state: 'again' };

/** An instance and where it stands now. */
export interface Progressed<Instance> {
  readonly instance: Instance;
  readonly progress: Progress;
}

/** Stores progress in the transaction that did the steps' work: both commit together or not at all. */
export interface SagaStore<Instance> {
  save(progressed: readonly Progressed<Instance>[]): Promise<void>;
}
