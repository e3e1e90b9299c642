import { type AddTopic, askingAuth } from '../wiring.ts';
import { auditKeyRoutes } from './audit-keys.ts';
import { auditRoutes } from './audit-log.ts';

/** The audit log and the keys that sign it. */
export const addAudit: AddTopic = (app, wiring) => {
  const deps = askingAuth(wiring);
  auditRoutes(app, { audit: deps.auth });
  auditKeyRoutes(app, deps);
};
