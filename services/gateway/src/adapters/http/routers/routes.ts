import { routerFiles } from '../../nats/router-files.ts';
import { routerAdministration } from '../../nats/router-service.ts';
import type { AddTopic } from '../wiring.ts';
import { routerFileRoutes } from './router-files.ts';
import { routerRoutes } from './routers.ts';

/** Routers, and the files on them. */
export const addRouters: AddTopic = (app, { bus, timing, waitSeconds }) => {
  routerRoutes(app, { routers: routerAdministration(bus, timing), commandTimeoutMs: timing.commandTimeoutMs });
  routerFileRoutes(app, { files: routerFiles(bus, timing), waitSeconds });
};
