import { bulkService } from '../../nats/bulk-service.ts';
import { type AddTopic, changingVms } from '../wiring.ts';
import { planRoutes } from './plans.ts';

/** What a change would do, before it is done. */
export const addPlans: AddTopic = (app, wiring) =>
  planRoutes(app, { ...changingVms(wiring), bulks: bulkService(wiring.bus, wiring.timing) });
