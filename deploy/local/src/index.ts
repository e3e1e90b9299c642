export { AlreadyRunningError } from './run-lock.ts';
export { type RunState, readRunState } from './run-state.ts';
export { type RunningSystem, type StartOptions, startSystem } from './start-system.ts';
