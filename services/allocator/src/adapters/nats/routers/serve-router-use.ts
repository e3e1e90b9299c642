import { RouterUseService, requireEverywhere } from '@berth/contracts';
import type { Database } from '@berth/database';
import { type Bus, serve } from '@berth/messaging';
import { readRouterUse } from '../../postgres/routers/router-use.ts';

/** Answers RouterUseService. Gives back its stop. */
export const serveRouterUse = (bus: Bus, database: Database): (() => Promise<void>) =>
  serve(bus, RouterUseService.method.getRouterUse, async ({ principal, router }) => {
    requireEverywhere(principal, 'routers:admin');
    return readRouterUse(database, router);
  });
