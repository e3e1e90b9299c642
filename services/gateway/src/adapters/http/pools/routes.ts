import { poolAdministration } from '../../nats/pool-service.ts';
import type { AddTopic } from '../wiring.ts';
import { explainValueRoutes } from './explain-value.ts';
import { poolRoutes } from './pools.ts';
import { reservationRoutes } from './reservations.ts';

/** Pools of addresses, ports and rule numbers, what is taken from them and what is reserved. */
export const addPools: AddTopic = (app, { bus, timing }) => {
  const deps = { pools: poolAdministration(bus, timing), commandTimeoutMs: timing.commandTimeoutMs };
  poolRoutes(app, deps);
  reservationRoutes(app, deps);
  explainValueRoutes(app, deps);
};
