export {
  allVms,
  assertNothingTwice,
  assertRouterEqualsApi,
  baseline,
  foreignPart,
  type VmPorts,
} from './expected-config.ts';
export { grpcPools } from './grpc-pools.ts';
export { inParallel, names } from './in-parallel.ts';
export { poolScenarios } from './pool-scenarios.ts';
export { ReflectionClient } from './reflection-client.ts';
export { type Answer, RestClient } from './rest-client.ts';
export { restPools } from './rest-pools.ts';
export { below, type Config, RouterControl } from './router-control.ts';
export { examplesIn, runExample } from './run-examples.ts';
export { addSecondNetwork, secondNetwork } from './second-network.ts';
export { type SecondRouter, startSecondRouter } from './second-router.ts';
export { sharedBerth } from './shared-berth.ts';
export { type BerthOptions, type BerthUnderTest, processesOf, startBerth } from './start-berth.ts';
