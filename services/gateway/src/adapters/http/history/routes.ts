import { backupService } from '../../nats/backup-service.ts';
import { historyReader } from '../../nats/history-service.ts';
import { operationLister, vmReader } from '../../nats/vm-service.ts';
import { type AddTopic, changingVms } from '../wiring.ts';
import { backupRoutes } from './backup.ts';
import { explainLineRoutes } from './explain-lines.ts';
import { rollbackRoutes } from './rollback.ts';
import { routerCommitRoutes } from './router-commits.ts';
import { routerConfigRoutes } from './router-config.ts';

/** What routers were, who made them so, and the way back: commits, configurations, rollback, backup. */
export const addHistory: AddTopic = (app, wiring) => {
  const { bus, timing } = wiring;
  const history = historyReader(bus, timing);
  const past = { history, vms: vmReader(bus, timing), operations: operationLister(bus, timing) };
  routerCommitRoutes(app, past);
  routerConfigRoutes(app, past);
  explainLineRoutes(app, past);
  const changing = changingVms(wiring);
  rollbackRoutes(app, changing);
  backupRoutes(app, { ...changing, history, backups: backupService(bus, timing) });
};
