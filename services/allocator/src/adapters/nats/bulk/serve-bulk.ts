import { BulkItemResultSchema, type CommandContext, VmService } from '@berth/contracts';
import { type Bus, currentTrace, serve } from '@berth/messaging';
import type { BulkContext, BulkStore } from '../../../app/bulk/bulk-ports.ts';
import { getBulk, listBulkItems } from '../../../app/bulk/bulk-read.ts';
import { stageBulk, startBulk } from '../../../app/bulk/bulk-start.ts';
import { invalid } from '../../../domain/check-fields.ts';
import { fitting } from '../../fitting.ts';
import { permittedCaller, readContext } from '../to-commands.ts';
import { modeOf, toBulkMessage, toItemResult, toStagedItem } from './bulk-messages.ts';
import { tellOfBulkWork } from './bulk-notices.ts';

/** A bulk's id is that of the operation that it is. */
export function readBulkContext(message: CommandContext | undefined): BulkContext {
  const { operationId: id, ...context } = readContext(message, currentTrace()['traceparent'] ?? '');
  return { ...context, id };
}

/** Answers VmService's methods about bulks over NATS. Gives back its stop. */
export function serveBulks(bus: Bus, deps: { readonly bulks: BulkStore }): () => Promise<void> {
  const stops = [
    serve(bus, VmService.method.stageBulk, async ({ context, offset, items }) => {
      await stageBulk(deps, readBulkContext(context), { offset, items: items.map(toStagedItem) });
      return {};
    }),
    serve(bus, VmService.method.startBulk, async (message) => {
      const mode = modeOf(message.mode);
      if (mode === undefined) throw invalid([{ field: 'mode', message: 'must be best_effort or atomic' }]);
      const started = await startBulk(deps, readBulkContext(message.context), { items: message.items, mode });
      if (!started.replayed) tellOfBulkWork(bus, started.bulk.id);
      return { bulk: toBulkMessage(started.bulk), replayed: started.replayed };
    }),
    serve(bus, VmService.method.getBulk, async ({ principal, bulkId }) => {
      const caller = permittedCaller(principal, 'operations:read');
      return { bulk: toBulkMessage(await getBulk(deps, caller, bulkId)) };
    }),
    serve(bus, VmService.method.listBulkItems, async ({ principal, bulkId, offset, pageSize }) => {
      const caller = permittedCaller(principal, 'operations:read');
      const { results, more } = await listBulkItems(deps, caller, { id: bulkId, offset, size: pageSize });
      const told = results.map(toItemResult);
      const count = fitting(BulkItemResultSchema, told);
      return { results: told.slice(0, count), more: more || count < told.length };
    }),
  ];
  return async () => void (await Promise.all(stops.map((stop) => stop())));
}
