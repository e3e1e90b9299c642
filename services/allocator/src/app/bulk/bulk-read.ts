import { isMaker, notForYou, permitsFor } from '@berth/contracts';
import type { Bulk } from '../../domain/bulk/bulk.ts';
import { bulkNotFound } from '../../domain/errors.ts';
import { isUuid } from '../../domain/text-rules.ts';
import type { Caller } from '../commands.ts';
import type { BulkItemResult, BulkStore } from './bulk-ports.ts';

const maxPageSize = 500;

/** A bulk that the caller may see, if there is one of this id. As with operations: its own, and those of groups for which it may see them. */
export async function findBulk(deps: { bulks: BulkStore }, caller: Caller, id: string): Promise<Bulk | undefined> {
  const bulk = isUuid(id) ? await deps.bulks.find(id.toLowerCase()) : undefined;
  const visible = bulk && (isMaker(caller, bulk) || permitsFor(caller, 'operations:read', bulk.principalGroup));
  return visible ? bulk : undefined;
}

/** Refuses who may not change what a bulk changes: VMs of its group, or of this one. Its maker may go back on its own word. */
export function assertMayCancel(caller: Caller, bulk: Bulk, group = bulk.principalGroup): void {
  if (!isMaker(caller, bulk) && !permitsFor(caller, 'vms:write', group)) throw notForYou('vms:write', group);
}

/** The same, or `BULK_NOT_FOUND`. */
export async function getBulk(deps: { bulks: BulkStore }, caller: Caller, id: string): Promise<Bulk> {
  const bulk = await findBulk(deps, caller, id);
  if (bulk === undefined) throw bulkNotFound(id);
  return bulk;
}

/**
 * What became of a page of a bulk's items; `more` when there are others behind it. A bulk may be about VMs of several groups: whoever did not
 * make it is told nothing of items of groups whose operations it may not see.
 */
export async function listBulkItems(
  deps: { bulks: BulkStore },
  caller: Caller,
  page: { readonly id: string; readonly offset: number; readonly size: number },
): Promise<{ readonly results: readonly BulkItemResult[]; readonly more: boolean }> {
  const bulk = await getBulk(deps, caller, page.id);
  const results = await deps.bulks.results(bulk.id, page.offset, Math.min(page.size || maxPageSize, maxPageSize));
  const own = isMaker(caller, bulk);
  const told = results.map((result) => {
    const { index, operation } = result;
    const shown = own || operation === undefined || permitsFor(caller, 'operations:read', operation.ownerGroup);
    return shown ? result : { index, machineId: '', operation: undefined, error: undefined };
  });
  return { results: told, more: page.offset + results.length < bulk.items };
}
