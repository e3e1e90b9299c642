export {
  DomainError,
  type ErrorDetails,
  type ErrorKind,
  errorKinds,
  type FailedResource,
  type FieldError,
  isKind,
  toDomainError,
} from './domain-error.ts';
export { type Problem, statusOf, toProblem } from './problem.ts';
export { askPatiently, lostItsDatabase, sendPatiently, wasNotAnswered } from './send-patiently.ts';
export { fromWire, toWire, type WireError } from './wire.ts';
