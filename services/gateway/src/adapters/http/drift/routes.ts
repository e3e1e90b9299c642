import { driftReader } from '../../nats/drift-service.ts';
import type { AddTopic } from '../wiring.ts';
import { driftRoutes } from './drift.ts';
import { syncVyosConfigRoutes } from './sync-vyos-config.ts';

/** What differs on routers from what was applied. */
export const addDrift: AddTopic = (app, { bus, timing, waitSeconds }) => {
  const drift = driftReader(bus, timing);
  driftRoutes(app, { drift });
  syncVyosConfigRoutes(app, { drift, waitSeconds });
};
