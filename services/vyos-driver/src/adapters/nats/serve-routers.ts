import { HoldingKind, type Principal, RouterService, requireEverywhere } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { type Bus, serve } from '@berth/messaging';
import type { HoldingKind as DomainKind } from '../../domain/inventory/inventory.ts';
import type { PostgresRouterDirectory } from '../postgres/routers/postgres-router-directory.ts';

const kindOnWire: Record<DomainKind, HoldingKind> = {
  rule_number: HoldingKind.RULE_NUMBER,
  port: HoldingKind.PORT,
  address: HoldingKind.ADDRESS,
  dynamic_range: HoldingKind.DYNAMIC_RANGE,
  mac: HoldingKind.MAC,
  mapping_name: HoldingKind.MAPPING_NAME,
};

/** Answers what is known of routers, on any replica. Gives back its stop. */
export function serveRouters(bus: Bus, directory: PostgresRouterDirectory): () => Promise<void> {
  const stops = [
    serve(bus, RouterService.method.listRouters, async ({ principal }) => {
      permit(principal);
      return { routers: [...(await directory.list())] };
    }),
    serve(bus, RouterService.method.listForeignHoldings, async ({ principal, router, inventory, pageToken }) => {
      permit(principal);
      const page = await directory.holdings(router, inventory, positionOf(pageToken));
      return {
        inventory: page.inventory,
        holdings: page.holdings.map((holding) => ({ ...holding, kind: kindOnWire[holding.kind] })),
        nextPageToken: page.next === undefined ? '' : String(page.next),
      };
    }),
  ];
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}

/** Services ask for themselves, without a principal. Routers are nobody's group's. */
function permit(principal: Principal | undefined): void {
  if (principal === undefined) return;
  requireEverywhere(principal, 'routers:read');
}

function positionOf(pageToken: string): number {
  if (/^\d{0,9}$/.test(pageToken)) return Number(pageToken);
  throw new DomainError('invalid', 'PAGE_TOKEN_INVALID', 'That page token was not given out here.');
}
