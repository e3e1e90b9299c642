import type { Operation, OwnedContent } from '../changes/plan.ts';
import { planChanges } from '../changes/plan-changes.ts';
import type { Clash } from '../changes/verdict.ts';
import { type ConfigTree, pathOfKey } from '../config-tree.ts';
import { treeAt } from '../normal-tree.ts';
import { conflictOn } from '../refusals/name-offender.ts';

/** What becomes of a change that adopts: the keys that it takes over from others, or why it cannot. */
export type AdoptionOutcome = { readonly keys: readonly string[] } | { readonly clash: Clash };

/** So many differences are told. */
const mostTold = 3;

/**
 * Whether `to` stands, exactly by meaning: each path among what is the resource's own already (`standing`), or among what others made
 * (`foreign`). The first that does not is why not.
 */
export function adoptContent(foreign: ConfigTree, standing: OwnedContent, to: OwnedContent): AdoptionOutcome {
  const keys: string[] = [];
  for (const [key, wanted] of to) {
    const own = standing.get(key);
    const there = own ?? treeAt(foreign, pathOfKey(key));
    const difference = differenceAt(key, there, wanted);
    if (difference !== undefined) return { clash: { conflict: conflictOn(key), text: difference } };
    if (own === undefined) keys.push(key);
  }
  return { keys };
}

function differenceAt(key: string, there: ConfigTree | undefined, wanted: ConfigTree): string | undefined {
  const path = pathOfKey(key);
  if (there === undefined) return `Nothing that could be adopted stands at ${path.join(' ')}.`;
  const from = new Map([[key, there]]);
  const { operations } = planChanges([{ resourceId: '', from, to: new Map([[key, wanted]]) }]);
  if (operations.length === 0) return undefined;
  const told = operations.slice(0, mostTold).map(shown).join('; ');
  const more = operations.length > mostTold ? `; and ${operations.length - mostTold} more` : '';
  return `What stands at ${path.join(' ')} is not what is to be adopted any more. That would need: ${told}${more}.`;
}

const shown = ({ op, path }: Operation): string => `${op} ${path.join(' ')}`;
