import { queueReader } from '../../nats/queue-reader.ts';
import { operationCanceller, operationLister } from '../../nats/vm-service.ts';
import { type AddTopic, changingVms } from '../wiring.ts';
import { cancelOperationRoutes } from './cancel-operation.ts';
import { listOperationsRoutes } from './list-operations.ts';
import { operationRoutes } from './operations.ts';

/** What became of changes. */
export const addOperations: AddTopic = (app, wiring) => {
  const { bus, timing } = wiring;
  const changing = changingVms(wiring);
  operationRoutes(app, { ...changing, queue: queueReader(bus) });
  listOperationsRoutes(app, { operations: operationLister(bus, timing) });
  cancelOperationRoutes(app, { ...changing, cancel: operationCanceller(bus, timing) });
};
