export {
  allVms,
  assertNothingTwice,
  assertRouterEqualsApi,
  baseline,
  foreignPart,
  type VmPorts,
} from './expected-config.ts';
export { inParallel, names } from './in-parallel.ts';
export { type Answer, RestClient } from './rest-client.ts';
export { below, type Config, RouterControl } from './router-control.ts';
export { addSecondNetwork, secondNetwork } from './second-network.ts';
export { type BerthOptions, type BerthUnderTest, processesOf, startBerth } from './start-berth.ts';
