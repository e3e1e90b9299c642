import { notForGroups, nothingToAdopt } from '../domain/adoption-errors.ts';
import { type Bulk, maxBulkItems } from '../domain/bulk.ts';
import { checkAll } from '../domain/check-fields.ts';
import { type AdoptionWish, type Selected, selectAdoption } from '../domain/select-adoption.ts';
import { isGroupName, isVmName } from '../domain/text-rules.ts';
import type { BulkContext, BulkStore, StagedItem } from './bulk-ports.ts';
import { startBulk } from './bulk-start.ts';
import { type AdoptionDeps, planFor } from './plan-adoption.ts';

export interface AdoptObjectsDeps extends AdoptionDeps {
  readonly bulks: BulkStore;
  /** The form in which an item is kept. */
  readonly toItem: (selected: Selected, asked: AdoptObjects) => StagedItem;
}

/** Objects on a router that shall be adopted. */
export interface AdoptObjects extends AdoptionWish {
  readonly router: string;
  /** Names for VMs, by mapping. */
  readonly names: ReadonlyMap<string, string>;
  readonly ownerGroup: string;
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
}

const stagedTogether = 500;

/** Accepts an adoption as a bulk, whose items are the VMs. Repeatable: what was accepted under this id or key is answered again. */
export async function adoptObjects(
  deps: AdoptObjectsDeps,
  context: BulkContext,
  asked: AdoptObjects,
): Promise<{ readonly bulk: Bulk; readonly replayed: boolean }> {
  if (context.caller.group !== '') throw notForGroups();
  check(asked);
  const known = await deps.bulks.find(context.id);
  if (known !== undefined && known.principalId === context.caller.id) return { bulk: known, replayed: false };
  const plan = await planFor(deps, context.caller, asked);
  const items = selectAdoption(plan, asked)
    .slice(0, maxBulkItems)
    .map((selected) => deps.toItem(selected, asked));
  if (items.length === 0) return replayOr(deps, context, asked.router);
  for (let offset = 0; offset < items.length; offset += stagedTogether) {
    await deps.bulks.stage(context, offset, items.slice(offset, offset + stagedTogether));
  }
  return startBulk(deps, context, { items: items.length, mode: 'best-effort' });
}

/** Nothing is left to adopt: perhaps because this request's first try has adopted it. */
function replayOr(deps: AdoptObjectsDeps, context: BulkContext, router: string) {
  if (context.key === undefined) throw nothingToAdopt(router);
  return deps.bulks.start(context, async ({ first }) => {
    const same = first && Buffer.from(first.fingerprint).equals(Buffer.from(context.key?.fingerprint ?? []));
    if (!first?.bulk || !same) throw nothingToAdopt(router);
    return { bulk: first.bulk, replayed: true };
  });
}

function check({ all, mappings, rules, names, ownerGroup }: AdoptObjects): void {
  checkAll((complain) => {
    const named = mappings.length + rules.length > 0;
    if (all && named) complain('all', 'cannot be together with mappings or rules');
    if (!all && !named) complain('all', 'must be true when neither mappings nor rules are named');
    if (mappings.length + rules.length > maxBulkItems) complain('mappings', `at most ${maxBulkItems} with the rules`);
    for (const [mapping, name] of names) {
      if (!isVmName(name)) complain(`names.${mapping}`, 'must be a host name of at most 63 characters, and no UUID');
    }
    if (!isGroupName(ownerGroup)) complain('owner_group', 'must be the name of a group');
  });
}
