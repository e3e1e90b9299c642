export type { Clock } from './app/clock.ts';
export { readConfig } from './config.ts';
export { type RunningDriver, startDriver } from './start-driver.ts';
