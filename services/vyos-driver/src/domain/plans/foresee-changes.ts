import { createHash } from 'node:crypto';
import { chooseBatch, type WaitingChange } from '../batches/choose-batch.ts';
import { type CostModel, estimateMs } from '../batches/cost-model.ts';
import { emptyFragment, type Fragment } from '../changes/fragment.ts';
import type { Operation, ResourceChange } from '../changes/plan.ts';
import { inverseOf, isNothing, planChanges } from '../changes/plan-changes.ts';
import type { Clash } from '../changes/verdict.ts';
import type { Dialect } from '../dialects/dialect.ts';
import type { ForeignHolding } from '../inventory/inventory.ts';
import { clashesWith, conflictOn, newlyContested } from '../refusals/name-offender.ts';
import { configOfHoldings } from './holdings-config.ts';

/** What a plan stands on: what is known of a router without asking it. */
export interface PlanGround {
  readonly version: string;
  readonly dialect: Dialect;
  readonly costModel: CostModel;
  /** Rules and mappings configured, whoever's they are. */
  readonly size: number;
  /** What these resources will be on the router once all that waits is done. */
  readonly standing: ReadonlyMap<string, Fragment>;
  /** Which resource a path of ours belongs to, by its key. */
  readonly owners: ReadonlyMap<string, string>;
  /** What others hold. */
  readonly holdings: readonly ForeignHolding[];
}

/** What one resource shall be; `desired` undefined: nothing. */
export interface WishedChange {
  readonly resourceId: string;
  readonly desired: Fragment | undefined;
  /** What others made on the router exactly so becomes its own. */
  readonly adopts: boolean;
}

/** An operation and the resource that it is of. */
export interface OwnOperation extends Operation {
  readonly resourceId: string;
}

/** A resource that cannot have what it asks for, and why. */
export interface ForeseenConflict extends Clash {
  readonly resourceId: string;
}

/** What changes would do on a router. */
export interface Foreseen {
  /** As they would be sent: batch by batch, in each the deletes first. */
  readonly operations: readonly OwnOperation[];
  /** The way back. */
  readonly inverse: readonly OwnOperation[];
  readonly restartsDhcp: boolean;
  readonly estimateMs: number;
  readonly commits: number;
  /** A digest of what the plan stands on. */
  readonly base: string;
  readonly conflicts: readonly ForeseenConflict[];
}

/** What these changes would do, on a router of which nothing else is asked meanwhile. Pure. */
export function foreseeChanges(ground: PlanGround, wishes: readonly WishedChange[]): Foreseen {
  const others = configOfHoldings(ground.holdings);
  const foreignPaths = new Set(ground.holdings.map(({ path }) => path));
  const claimed = new Map<string, string>();
  const conflicts: ForeseenConflict[] = [];
  const changes = wishes.map((wish): ResourceChange => {
    const change = changeOf(ground, wish, foreignPaths);
    const clash =
      ownClash(ground, change, claimed) ?? clashesWith(others, nobodys, newlyContested(change.from, change.to));
    if (clash) conflicts.push({ resourceId: wish.resourceId, ...clash });
    for (const key of change.to.keys()) claimed.set(key, wish.resourceId);
    return change;
  });
  const batches = batchesOf(ground, changes);
  const plans = batches.map(planChanges);
  return {
    operations: plans.flatMap(withOwners),
    inverse: withOwners(inverseOf(changes)),
    restartsDhcp: plans.some(({ restartsDhcp }) => restartsDhcp),
    estimateMs: Math.round(
      plans.reduce((sum, { counts }) => sum + estimateMs(ground.costModel, counts, ground.size), 0),
    ),
    commits: batches.length,
    base: baseOf(ground, changes, conflicts),
    conflicts,
  };
}

const nobodys: ReadonlySet<string> = new Set();

const pathText = (key: string): string => key.replaceAll('\n', ' ');

function changeOf(
  { dialect, standing }: PlanGround,
  wish: WishedChange,
  foreignPaths: ReadonlySet<string>,
): ResourceChange {
  const to = dialect.contentOf(wish.desired ?? emptyFragment);
  const from = dialect.contentOf(standing.get(wish.resourceId) ?? emptyFragment);
  // Adopted is only what stands exactly as it is asked for; the worker, which reads it, finds out whether it does.
  const adopted = wish.adopts ? [...to].filter(([key]) => !from.has(key) && foreignPaths.has(pathText(key))) : [];
  return { resourceId: wish.resourceId, from: new Map([...from, ...adopted]), to };
}

/** A path that another resource of ours has, or that an earlier change of the same plan asks for. */
function ownClash({ owners }: PlanGround, { resourceId, to }: ResourceChange, claimed: ReadonlyMap<string, string>) {
  for (const key of to.keys()) {
    const owner = owners.get(key) ?? claimed.get(key);
    if (owner !== undefined && owner !== resourceId)
      return { conflict: conflictOn(key), text: `${pathText(key)} belongs to ${owner}.` };
  }
  return undefined;
}

/** The changes that need the router, as the worker would put them together. */
function batchesOf({ costModel, size }: PlanGround, changes: readonly ResourceChange[]): readonly ResourceChange[][] {
  const batches: ResourceChange[][] = [];
  let left = changes.flatMap((change) => {
    const plan = planChanges([change]);
    const { counts, bodyBytes } = plan;
    const waiting: WaitingChange = { resourceId: change.resourceId, ownerGroup: '', counts, bodyBytes };
    return isNothing(plan) ? [] : [{ change, waiting }];
  });
  while (left.length > 0) {
    const chosen = new Set(
      chooseBatch(
        left.map(({ waiting }) => waiting),
        costModel,
        size,
      ),
    );
    batches.push(left.filter(({ waiting }) => chosen.has(waiting.resourceId)).map(({ change }) => change));
    left = left.filter(({ waiting }) => !chosen.has(waiting.resourceId));
  }
  return batches;
}

function withOwners({ operations, byResource }: ReturnType<typeof planChanges>): OwnOperation[] {
  const owners = new Map([...byResource].flatMap(([id, own]) => own.map((operation) => [operation, id] as const)));
  return operations.map((operation) => ({ ...operation, resourceId: owners.get(operation) ?? '' }));
}

function baseOf(
  { version }: PlanGround,
  changes: readonly ResourceChange[],
  conflicts: readonly ForeseenConflict[],
): string {
  const standing = changes.map(({ resourceId, from }) => [resourceId, [...from].sort(([a], [b]) => (a < b ? -1 : 1))]);
  const inTheWay = conflicts.map(({ resourceId, conflict }) => [resourceId, conflict]);
  const stated = [version, standing.sort(([a = ''], [b = '']) => (a < b ? -1 : 1)), inTheWay];
  return createHash('sha256').update(JSON.stringify(stated)).digest('hex');
}
