import { requireEverywhere } from '@berth/contracts';
import type { AdoptionPlan, PlannedMapping, PlannedRule } from '../../domain/adoption/plan-adoption.ts';
import type { Caller } from '../commands.ts';
import { type AdoptionDeps, planFor } from './plan-adoption.ts';

/** A mapping, or a rule and the mapping that it leads to. */
export type AdoptionItem =
  | { readonly kind: 'mapping'; readonly planned: PlannedMapping }
  | { readonly kind: 'rule'; readonly planned: PlannedRule; readonly of: PlannedMapping | undefined };

export interface AdoptionCounts {
  readonly mappings: number;
  readonly adoptableMappings: number;
  readonly rules: number;
  readonly adoptableRules: number;
}

export interface AdoptionPage {
  readonly items: readonly AdoptionItem[];
  readonly more: boolean;
  readonly counts: AdoptionCounts;
}

const maxPageSize = 500;

/** A page of what can be adopted of a router, and why the rest cannot. */
export async function previewAdoption(
  deps: AdoptionDeps,
  caller: Caller,
  { router, offset, size }: { readonly router: string; readonly offset: number; readonly size: number },
): Promise<AdoptionPage> {
  requireEverywhere(caller, 'routers:admin');
  const plan = await planFor(deps, caller, { router, names: new Map() });
  const items = itemsOf(plan);
  const end = offset + Math.min(size || maxPageSize, maxPageSize);
  return { items: items.slice(offset, end), more: items.length > end, counts: countsOf(items) };
}

const itemsOf = ({ mappings, rules }: AdoptionPlan): readonly AdoptionItem[] => [
  ...mappings.flatMap((of): AdoptionItem[] => [
    { kind: 'mapping', planned: of },
    ...of.rules.map((planned) => ({ kind: 'rule' as const, planned, of })),
  ]),
  ...rules.map((planned) => ({ kind: 'rule' as const, planned, of: undefined })),
];

function countsOf(items: readonly AdoptionItem[]): AdoptionCounts {
  const count = (kind: AdoptionItem['kind'], adoptable: boolean) =>
    items.filter((item) => item.kind === kind && (!adoptable || item.planned.reason === '')).length;
  return {
    mappings: count('mapping', false),
    adoptableMappings: count('mapping', true),
    rules: count('rule', false),
    adoptableRules: count('rule', true),
  };
}
