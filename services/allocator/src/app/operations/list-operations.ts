import { createHash } from 'node:crypto';
import { groupsWhere } from '@berth/contracts';
import type { Operation, OperationKind, OperationState } from '../../domain/operations/operation.ts';
import type { Caller } from '../commands.ts';
import { readPageToken, writePageToken } from '../page-token.ts';

/** Which operations to list; what is empty does not matter. */
export interface OperationFilter {
  readonly states: readonly OperationState[];
  readonly kinds: readonly OperationKind[];
  /** A VM's id, or the name that it bore when the operation was accepted. */
  readonly machineId: string;
  readonly since: Date | undefined;
}

/** Everything; or what is of these groups, and what this principal or user asked for. */
export type Visibility =
  | 'all'
  | { readonly groups: readonly string[]; readonly principalId: string; readonly userId: string };

/** A page to read, the newest first. */
export interface OperationPage {
  readonly filter: OperationFilter;
  /** Whose operations to show: see `getOperation`. */
  readonly visibleTo: Visibility;
  /** Those that were accepted before the one at this place; undefined: from the newest. */
  readonly before: string | undefined;
  readonly size: number;
}

export interface OperationList {
  /** Operations in the order of their acceptance, the newest first, each with its place. One statement. */
  page(page: OperationPage): Promise<readonly { readonly operation: Operation; readonly place: string }[]>;
}

const usualPageSize = 100;
const maxPageSize = 1_000;

/** A page of the operations that the caller may see. `fitting`: how many of the first go into one answer. */
export async function listOperations(
  deps: { readonly list: OperationList; readonly fitting: (operations: readonly Operation[]) => number },
  caller: Caller,
  asked: { readonly size: number; readonly token: string; readonly filter: OperationFilter },
): Promise<{ readonly operations: readonly Operation[]; readonly nextToken: string }> {
  const size = Math.min(asked.size || usualPageSize, maxPageSize);
  const visibleTo = visibilityFor(caller);
  const query = fingerprintOf(visibleTo, asked.filter);
  const [before] = readPageToken(asked.token, query, 1) ?? [];
  const found = await deps.list.page({
    filter: asked.filter,
    visibleTo,
    before: before === undefined || /^\d{1,18}$/.test(before) ? before : '0',
    size: size + 1, // one more tells whether there is another page
  });
  const operations = found.slice(0, size).map(({ operation }) => operation);
  const count = deps.fitting(operations);
  const last = found.length > count ? found[count - 1] : undefined;
  return { operations: operations.slice(0, count), nextToken: last ? writePageToken([last.place], query) : '' };
}

function visibilityFor(caller: Caller): Visibility {
  const groups = groupsWhere(caller, 'operations:read');
  return groups === 'all' ? groups : { groups, principalId: caller.id, userId: caller.userId };
}

const fingerprintOf = (visibleTo: Visibility, { since, ...filter }: OperationFilter): string =>
  createHash('sha256')
    .update(JSON.stringify([visibleTo, filter, since?.getTime() ?? null]))
    .digest('base64url')
    .slice(0, 16);
