import type { RouterState } from '../routers/router-state.ts';
import { roomMs } from './choose-batch.ts';
import { type CostModel, fixedMs, variableMs } from './cost-model.ts';

/** What is known of what the changes that wait will cost. */
export interface QueueCost {
  readonly model: CostModel;
  /** Rules and mappings configured. */
  readonly size: number;
  /** The last commits that were applied: how many, how long they took together, how many changes they carried. */
  readonly recent: { readonly batches: number; readonly durationMs: number; readonly changes: number };
}

/** A VM with a mapping and three forwards: what a change is taken to be before the first. */
const usualChange = { natSets: 21, mappingSets: 3, deletes: 0 };

/** What one more change in a commit costs, as the last ones did. Milliseconds. */
function usualChangeMs({ model, size, recent }: QueueCost): number {
  if (recent.changes === 0) return variableMs(model, usualChange);
  const variable = recent.durationMs - recent.batches * fixedMs(model, size);
  return Math.max(0, variable) / recent.changes;
}

/** Routers that take no changes now: nobody knows when they will. */
const takesNone: ReadonlySet<RouterState> = new Set(['unreachable', 'breaker_open', 'unknown', 'blocked']);

/**
 * How long until a change is judged, with `position` changes up to it in the queue (0: it is in the commit that runs). `running`: what that
 * commit should take, and for how long it has run. Milliseconds; undefined when that cannot be known.
 */
export function etaMs(
  cost: QueueCost,
  at: {
    readonly state: RouterState;
    readonly position: number;
    readonly running: { readonly estimateMs: number; readonly elapsedMs: number } | undefined;
  },
): number | undefined {
  if (takesNone.has(at.state)) return undefined;
  // One that takes longer than it should will end sometime soon.
  const rest = at.running === undefined ? 0 : Math.max(1_000, at.running.estimateMs - at.running.elapsedMs);
  if (at.position === 0) return rest;
  const fixed = fixedMs(cost.model, cost.size);
  const variable = at.position * usualChangeMs(cost);
  const commits = Math.max(1, Math.ceil(variable / roomMs(fixed, variable)));
  return rest + commits * fixed + variable;
}
