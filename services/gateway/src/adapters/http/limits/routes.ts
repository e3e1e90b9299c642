import { type AddTopic, askingAuth } from '../wiring.ts';
import { blockRoutes } from './blocks.ts';
import { limitRoutes } from './limits.ts';

/** Limits, their use, and blocks. */
export const addLimits: AddTopic = (app, wiring) => {
  const { auth, commandTimeoutMs } = askingAuth(wiring);
  const deps = { limits: auth, commandTimeoutMs, isExempt: wiring.isExempt };
  limitRoutes(app, deps);
  blockRoutes(app, deps);
};
