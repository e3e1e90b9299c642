import { bulkService } from '../../nats/bulk-service.ts';
import { type AddTopic, changingVms } from '../wiring.ts';
import { bulkRoutes } from './bulk.ts';

/** Many VMs with one request. */
export const addBulk: AddTopic = (app, wiring) =>
  bulkRoutes(app, { ...changingVms(wiring), bulks: bulkService(wiring.bus, wiring.timing) });
