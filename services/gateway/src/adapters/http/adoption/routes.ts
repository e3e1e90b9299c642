import { adoptionService } from '../../nats/adoption-service.ts';
import { bulkService } from '../../nats/bulk-service.ts';
import { driftReader } from '../../nats/drift-service.ts';
import { type AddTopic, changingVms } from '../wiring.ts';
import { adoptionRoutes } from './adoptions.ts';

/** Taking over what people made on routers. */
export const addAdoption: AddTopic = (app, wiring) => {
  const { bus, timing } = wiring;
  adoptionRoutes(app, {
    ...changingVms(wiring),
    bulks: bulkService(bus, timing),
    drift: driftReader(bus, timing),
    adoptions: adoptionService(bus, timing),
  });
};
