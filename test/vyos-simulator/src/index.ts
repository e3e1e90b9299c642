export type { Fault, FaultEndpoint, FaultKind } from './domain/faults.ts';
export type { LatencyPreset, LatencyRates, LatencySettings } from './domain/latency.ts';
export type { LoggedRequest } from './http/request-log.ts';
export type { ProfileName } from './profile/profile.ts';
export { type Clock, ManualClock } from './router/clock.ts';
export type { Counters } from './router/counters.ts';
export { type PersonEdit, PersonRefused } from './router/person.ts';
export { baseline, type Simulator, type SimulatorOptions, startSimulator } from './start-simulator.ts';
