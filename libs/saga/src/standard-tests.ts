import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { resumeSaga, runSaga } from './run-saga.ts';
import { done, type Progress, type Saga, type SagaStore, type Step } from './saga.ts';

/** `test` of node:test; handed in, so that a running service loads no test runner. */
export type Test = (name: string, run: (t: TestContext) => Promise<void>) => unknown;

/** What a saga changes, made anew for each test; two worlds of the same making must show the same snapshots. */
export interface SagaWorld<Instance, Deps> {
  /** The instance to run; always the same ids. */
  readonly instance: Instance;
  /** Runs `work` in one transaction, which is rolled back when it throws. */
  transaction<T>(work: (deps: Deps, store: SagaStore<Instance>) => Promise<T>): Promise<T>;
  /** The instance as it was stored, for what goes on in a later transaction. */
  stored(): Promise<Instance>;
  /** All that must be as before when the saga fails, in a form that `deepEqual` compares. */
  snapshot(): Promise<unknown>;
}

/** The same saga with every step wrapped. */
const wrapped = <Instance extends { readonly id: string }, Deps>(
  saga: Saga<Instance, Deps>,
  wrap: (step: Step<Instance, Deps>) => Partial<Step<Instance, Deps>>,
): Saga<Instance, Deps> => ({ ...saga, steps: saga.steps.map((step) => ({ ...step, ...wrap(step) })) });

/** Runs to the end; whoever is waited for says yes. */
async function toTheEnd<Instance extends { readonly id: string }, Deps>(
  saga: Saga<Instance, Deps>,
  world: SagaWorld<Instance, Deps>,
  failAfter?: string,
): Promise<Progress | undefined> {
  const options = failAfter === undefined ? {} : { failAfter };
  let [now] = await world.transaction((deps, store) => runSaga(saga, [world.instance], { deps, store, ...options }));
  while (now?.progress.state === 'waiting') {
    const resumed = { instance: await world.stored(), step: now.progress.step, outcome: done };
    [now] = await world.transaction((deps, store) => resumeSaga(saga, [resumed], { deps, store, ...options }));
  }
  return now?.progress;
}

/**
 * The tests that every saga has, made from its step list: a step that fails leaves nothing behind (after the pivot: is made up for); each
 * step run twice still succeeds; each undo run twice still leaves nothing.
 */
export function sagaTests<Instance extends { readonly id: string }, Deps>(
  test: Test,
  saga: Saga<Instance, Deps>,
  makeWorld: (t: TestContext) => Promise<SagaWorld<Instance, Deps>>,
): void {
  const pivot = saga.steps.findIndex((step) => step.name === saga.pivot);
  for (const step of saga.steps.slice(0, pivot + 1)) {
    test(`${saga.name} leaves nothing behind when ${step.name} fails`, async (t) => {
      const world = await makeWorld(t);
      const initially = await world.snapshot();
      assert.equal((await toTheEnd(saga, world, step.name))?.state, 'failed');
      assert.deepEqual(await world.snapshot(), initially);
    });
    test(`${saga.name} leaves nothing behind when ${step.name} fails and every undo runs twice`, async (t) => {
      const world = await makeWorld(t);
      const initially = await world.snapshot();
      const twice = wrapped(saga, ({ undo }) =>
        undo ? { undo: async (instances, deps) => undo(instances, deps).then(() => undo(instances, deps)) } : {},
      );
      assert.equal((await toTheEnd(twice, world, step.name))?.state, 'failed');
      assert.deepEqual(await world.snapshot(), initially);
    });
  }
  for (const step of saga.steps.slice(pivot + 1)) {
    test(`${saga.name} succeeds although ${step.name} failed at first`, async (t) => {
      const world = await makeWorld(t);
      await assert.rejects(toTheEnd(saga, world, step.name), /no way back/);
      const resumed = { instance: await world.stored(), step: saga.pivot, outcome: done };
      const [now] = await world.transaction((deps, store) => resumeSaga(saga, [resumed], { deps, store }));
      assert.equal(now?.progress.state, 'succeeded');
      const other = await makeWorld(t);
      await toTheEnd(saga, other);
      assert.deepEqual(await world.snapshot(), await other.snapshot());
    });
  }
  test(`${saga.name} succeeds all the same when every step runs twice`, async (t) => {
    const [once, twice] = [await makeWorld(t), await makeWorld(t)];
    assert.equal((await toTheEnd(saga, once))?.state, 'succeeded');
    const doubled = wrapped(saga, ({ run }) => ({
      run: async (instances, deps) => run(instances, deps).then(() => run(instances, deps)),
    }));
    assert.equal((await toTheEnd(doubled, twice))?.state, 'succeeded');
    assert.deepEqual(await twice.snapshot(), await once.snapshot());
  });
}
