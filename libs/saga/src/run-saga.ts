import { DomainError } from '@berth/errors';
import type { Progress, Progressed, Saga, SagaStore, StepOutcome, StepOutcomes } from './saga.ts';

export interface RunOptions<Instance, Deps> {
  readonly deps: Deps;
  readonly store: SagaStore<Instance>;
  /** For tests: this step does its work and then counts as failed, as a call whose answer was lost. */
  readonly failAfter?: string;
}

/** The answer that a waiting instance got. */
export interface Resumed<Instance> {
  readonly instance: Instance;
  /** The step that it waits in, from its stored progress. */
  readonly step: string;
  /** `done`, `failed` or `again`. */
  readonly outcome: StepOutcome;
}

/** One instance on its way through the steps. */
interface Traveller<Instance> {
  readonly instance: Instance;
  /** The step it is at. */
  at: number;
  way: 'forward' | 'back' | 'ended';
  progress: Progress;
}

/**
 * Takes new instances as far as they come, in the caller's transaction, and stores where each stands. The instances of a step are handled
 * together, in the order they were given; the failure of one takes back that one alone, the failed step first.
 */
export async function runSaga<Instance extends { readonly id: string }, Deps>(
  saga: Saga<Instance, Deps>,
  instances: readonly Instance[],
  options: RunOptions<Instance, Deps>,
): Promise<readonly Progressed<Instance>[]> {
  const travellers = instances.map(
    (instance): Traveller<Instance> => ({ instance, at: 0, way: 'forward', progress: { state: 'succeeded' } }),
  );
  return travel(saga, travellers, options);
}

/** Goes on with instances whose answer has come. */
export async function resumeSaga<Instance extends { readonly id: string }, Deps>(
  saga: Saga<Instance, Deps>,
  resumed: readonly Resumed<Instance>[],
  options: RunOptions<Instance, Deps>,
): Promise<readonly Progressed<Instance>[]> {
  const travellers = resumed.map(({ instance, step, outcome }) => {
    const at = indexOf(saga, step);
    const traveller: Traveller<Instance> = { instance, at, way: 'forward', progress: { state: 'succeeded' } };
    move(saga, traveller, outcome);
    return traveller;
  });
  return travel(saga, travellers, options);
}

async function travel<Instance extends { readonly id: string }, Deps>(
  saga: Saga<Instance, Deps>,
  travellers: readonly Traveller<Instance>[],
  { deps, store, failAfter }: RunOptions<Instance, Deps>,
): Promise<readonly Progressed<Instance>[]> {
  const here = (way: 'forward' | 'back', at: number) =>
    travellers.filter((traveller) => traveller.way === way && traveller.at === at);
  const instancesOf = (group: readonly Traveller<Instance>[]) => group.map(({ instance }) => instance);

  for (const [at, step] of saga.steps.entries()) {
    const group = here('forward', at);
    if (group.length === 0) continue;
    const outcomes: StepOutcomes = await step.run(instancesOf(group), deps);
    for (const traveller of group) {
      const outcome = failAfter === step.name ? brokenOff(step.name) : outcomes.get(traveller.instance.id);
      move(saga, traveller, outcome ?? { kind: 'done' });
    }
  }
  for (const [at, step] of [...saga.steps.entries()].reverse()) {
    const group = here('back', at);
    if (group.length > 0) await step.undo?.(instancesOf(group), deps); // a throw stops here: what is stored still says where
    for (const traveller of group) {
      if (at === 0) traveller.way = 'ended';
      else traveller.at = at - 1;
    }
  }
  const progressed = travellers.map(({ instance, progress }) => ({ instance, progress }));
  await store.save(progressed);
  return progressed;
}

function move<Instance extends { readonly id: string }, Deps>(
  saga: Saga<Instance, Deps>,
  traveller: Traveller<Instance>,
  outcome: StepOutcome,
): void {
  const step = saga.steps[traveller.at]?.name ?? '';
  switch (outcome.kind) {
    case 'done':
      traveller.at++;
      break;
    case 'finished':
      traveller.way = 'ended';
      break;
    case 'waiting':
      traveller.way = 'ended';
      traveller.progress = { state: 'waiting', step };
      break;
    default:
      if (traveller.at > indexOf(saga, saga.pivot)) {
        const cause = outcome.kind === 'failed' ? outcome.error : undefined;
        throw new Error(`${saga.name} cannot fail at ${step}: there is no way back after ${saga.pivot}`, { cause });
      }
      traveller.way = 'back';
      traveller.progress = outcome.kind === 'failed' ? { state: 'failed', error: outcome.error } : { state: 'again' };
  }
}

function indexOf(saga: Saga<never, never>, name: string): number {
  const index = saga.steps.findIndex((step) => step.name === name);
  if (index < 0) throw new Error(`${saga.name} has no step ${name}`);
  return index;
}

const brokenOff = (step: string): StepOutcome => ({
  kind: 'failed',
  error: new DomainError('unavailable', 'STEP_BROKEN_OFF', `The step ${step} was broken off.`),
});
