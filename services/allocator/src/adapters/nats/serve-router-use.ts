import { RouterUseService, requirePermission } from '@berth/contracts';
import type { Database } from '@berth/database';
import { DomainError } from '@berth/errors';
import { type Bus, serve } from '@berth/messaging';
import { readRouterUse } from '../postgres/router-use.ts';

/** Answers RouterUseService. Gives back its stop. */
export const serveRouterUse = (bus: Bus, database: Database): (() => Promise<void>) =>
  serve(bus, RouterUseService.method.getRouterUse, async ({ principal, router }) => {
    requirePermission(principal, 'routers:admin');
    if (principal?.group === '') return readRouterUse(database, router);
    throw new DomainError('forbidden', 'PERMISSION_DENIED', 'Routers are for those who belong to no group.');
  });
