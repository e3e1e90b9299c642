import { requireEverywhere } from '@berth/contracts';
import type { DomainError, FieldError } from '@berth/errors';
import { nothingToAdopt } from '../../domain/adoption/adoption-errors.ts';
import { type AdoptionWish, type Selected, selectAdoption } from '../../domain/adoption/select-adoption.ts';
import { type Bulk, maxBulkItems } from '../../domain/bulk/bulk.ts';
import { checkAll, holdsNul, invalid } from '../../domain/check-fields.ts';
import { isGroupName, isVmName } from '../../domain/text-rules.ts';
import type { BulkContext, BulkStore, StagedItem } from '../bulk/bulk-ports.ts';
import { startBulk } from '../bulk/bulk-start.ts';
import { groupFault, type KnownGroups } from '../known-groups.ts';
import { owningGroup } from '../owning-group.ts';
import { type AdoptionDeps, planFor } from './plan-adoption.ts';

export interface AdoptObjectsDeps extends AdoptionDeps {
  readonly bulks: BulkStore;
  readonly groups: KnownGroups;
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
  requireEverywhere(context.caller, 'routers:admin');
  check(asked);
  const ownerGroup = owningGroup(context.caller, asked.ownerGroup);
  const known = await deps.bulks.find(context.id);
  if (known !== undefined && known.principalId === context.caller.id) return { bulk: known, replayed: false };
  await deps.groups.learn([ownerGroup]);
  const noGroup = groupFault(deps.groups, 'owner_group', [ownerGroup]);
  if (noGroup) return replayOr(deps, context, noGroup);
  const plan = await planFor(deps, context.caller, asked);
  const selected = selectAdoption(plan, asked).slice(0, maxBulkItems);
  if (selected.length === 0) return replayOr(deps, context, nothingToAdopt(asked.router));
  const nameless = namedInVain(asked, selected);
  if (nameless.length > 0) return replayOr(deps, context, invalid(nameless));
  const items = selected.map((one) => deps.toItem(one, { ...asked, ownerGroup }));
  for (let offset = 0; offset < items.length; offset += stagedTogether) {
    await deps.bulks.stage(context, offset, items.slice(offset, offset + stagedTogether));
  }
  return startBulk(deps, context, { items: items.length, mode: 'best-effort' });
}

/** Names for what is not adopted would be lost without a word. */
function namedInVain({ names, mappings }: AdoptObjects, selected: readonly Selected[]): FieldError[] {
  const adopted = new Set(mappings);
  for (const one of selected) if (one.kind === 'vm') adopted.add(one.planned.mapping.name);
  return [...names.keys()]
    .filter((mapping) => !adopted.has(mapping))
    .map((mapping) => ({ field: `names.${mapping}`, message: 'is no mapping that would be adopted' }));
}

/** What is asked for is not there: perhaps because this request's first try has adopted it. */
function replayOr(deps: AdoptObjectsDeps, context: BulkContext, failure: DomainError) {
  if (context.key === undefined) throw failure;
  return deps.bulks.start(context, async ({ first }) => {
    const same = first && Buffer.from(first.fingerprint).equals(Buffer.from(context.key?.fingerprint ?? []));
    if (!first?.bulk || !same) throw failure;
    return { bulk: first.bulk, replayed: true };
  });
}

function check({ all, mappings, rules, names, ownerGroup, metadata }: AdoptObjects): void {
  checkAll((complain) => {
    const named = mappings.length + rules.length > 0;
    if (all && named) complain('all', 'cannot be together with mappings or rules');
    if (!all && !named) complain('all', 'must be true when neither mappings nor rules are named');
    if (mappings.length + rules.length > maxBulkItems) complain('mappings', `at most ${maxBulkItems} with the rules`);
    for (const [mapping, name] of names) {
      if (!isVmName(name)) complain(`names.${mapping}`, 'must be a host name of at most 63 characters, and no UUID');
    }
    if (holdsNul([mappings, [...names.keys()]])) complain('mappings', 'must not hold the character U+0000');
    if (holdsNul(metadata)) complain('metadata', 'must not hold the character U+0000');
    if (!isGroupName(ownerGroup)) complain('owner_group', 'must be the name of a group');
  });
}
