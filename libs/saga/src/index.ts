export { type Resumed, type RunOptions, resumeSaga, runSaga } from './run-saga.ts';
export {
  again,
  done,
  failed,
  finished,
  type Progress,
  type Progressed,
  type Saga,
  type SagaStore,
  type Step,
  type StepOutcome,
  type StepOutcomes,
  waiting,
} from './saga.ts';
export { type SagaWorld, sagaTests } from './standard-tests.ts';
