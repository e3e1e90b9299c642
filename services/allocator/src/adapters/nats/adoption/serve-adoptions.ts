import { AdoptableService, AdoptionItemSchema, AdoptionService, requirePermission } from '@berth/contracts';
import { type Bus, request, serve } from '@berth/messaging';
import { type AdoptObjectsDeps, adoptObjects } from '../../../app/adoption/adopt-objects.ts';
import { previewAdoption } from '../../../app/adoption/preview-adoption.ts';
import type { Caller } from '../../../app/commands.ts';
import type { Found } from '../../../domain/adoption/plan-adoption.ts';
import { fitting } from '../../fitting.ts';
import { toBulkMessage } from '../bulk/bulk-messages.ts';
import { tellOfBulkWork } from '../bulk/bulk-notices.ts';
import { readBulkContext } from '../bulk/serve-bulk.ts';
import { permittedCaller, toPrincipal } from '../to-commands.ts';
import { toAdoptionItem, toAdoptObjects, toFoundMapping, toFoundRule, toItemMessage } from './adoption-messages.ts';

const answerWithinMs = 5_000;

/** All that others made on a router, asked of the driver page by page. */
async function fetchFound(bus: Bus, router: string, caller: Caller): Promise<Found> {
  const principal = toPrincipal(caller);
  const mappings: Found['mappings'][number][] = [];
  const rules: Found['rules'][number][] = [];
  for (let pageToken = ''; ; ) {
    const asked = { principal, router, pageToken };
    const page = await request(bus, AdoptableService.method.listAdoptable, asked, { timeoutMs: answerWithinMs });
    mappings.push(...page.mappings.map(toFoundMapping));
    rules.push(...page.rules.map(toFoundRule));
    pageToken = page.nextPageToken;
    if (pageToken === '') return { mappings, rules };
  }
}

/** Answers about adopting what others made on routers. Gives back its stop. */
export function serveAdoptions(
  bus: Bus,
  { bulks, groups, reader }: Pick<AdoptObjectsDeps, 'bulks' | 'groups' | 'reader'>,
): () => Promise<void> {
  const deps = {
    ...{ bulks, groups, reader },
    toItem: toAdoptionItem,
    fetchFound: (router: string, caller: Caller) => fetchFound(bus, router, caller),
  };
  const stops = [
    serve(bus, AdoptionService.method.previewAdoption, async ({ principal, router, offset, pageSize }) => {
      requirePermission(principal, 'routers:admin');
      const caller = permittedCaller(principal, 'vms:read');
      const page = await previewAdoption(deps, caller, { router, offset, size: pageSize });
      const items = page.items.map(toItemMessage);
      const count = fitting(AdoptionItemSchema, items);
      return { items: items.slice(0, count), more: page.more || count < items.length, counts: page.counts };
    }),
    serve(bus, AdoptionService.method.adoptObjects, async (message) => {
      requirePermission(message.context?.principal, 'routers:admin');
      const context = readBulkContext(message.context);
      const { bulk, replayed } = await adoptObjects(deps, context, toAdoptObjects(message));
      if (!replayed) tellOfBulkWork(bus, bulk.id);
      return { bulk: toBulkMessage(bulk), replayed };
    }),
  ];
  return async () => void (await Promise.all(stops.map((stop) => stop())));
}
