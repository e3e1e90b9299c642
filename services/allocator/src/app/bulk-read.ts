import type { Bulk } from '../domain/bulk.ts';
import { bulkNotFound } from '../domain/errors.ts';
import { isUuid } from '../domain/text-rules.ts';
import type { BulkItemResult, BulkStore } from './bulk-ports.ts';
import type { Caller } from './commands.ts';

const maxPageSize = 500;

/** A bulk that the caller may see, if there is one of this id. As with operations: its own, its group's, or all for callers of no group. */
export async function findBulk(deps: { bulks: BulkStore }, caller: Caller, id: string): Promise<Bulk | undefined> {
  const bulk = isUuid(id) ? await deps.bulks.find(id.toLowerCase()) : undefined;
  const visible =
    bulk && (caller.group === '' || caller.group === bulk.principalGroup || caller.id === bulk.principalId);
  return visible ? bulk : undefined;
}

/** The same, or `BULK_NOT_FOUND`. */
export async function getBulk(deps: { bulks: BulkStore }, caller: Caller, id: string): Promise<Bulk> {
  const bulk = await findBulk(deps, caller, id);
  if (bulk === undefined) throw bulkNotFound(id);
  return bulk;
}

/** What became of a page of a bulk's items; `more` when there are others behind it. */
export async function listBulkItems(
  deps: { bulks: BulkStore },
  caller: Caller,
  page: { readonly id: string; readonly offset: number; readonly size: number },
): Promise<{ readonly results: readonly BulkItemResult[]; readonly more: boolean }> {
  const bulk = await getBulk(deps, caller, page.id);
  const results = await deps.bulks.results(bulk.id, page.offset, Math.min(page.size || maxPageSize, maxPageSize));
  return { results, more: page.offset + results.length < bulk.items };
}
