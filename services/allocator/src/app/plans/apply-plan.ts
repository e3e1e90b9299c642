import { homeGroupOf, requireEverywhere } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { type Bulk, itemIds, itemsTaken } from '../../domain/bulk/bulk.ts';
import { deadlinePassed, operationIdTaken } from '../../domain/errors.ts';
import {
  assertApplicable,
  digestOf,
  type PlannedChange,
  planHashMismatch,
  planNotFound,
  plannedChange,
  planOutdated,
  wasApplied,
} from '../../domain/plans/plan.ts';
import type { Accepted, Caller, Command } from '../commands.ts';
import { learnOwners } from '../known-groups.ts';
import { acceptIn } from '../operations/accept-commands.ts';
import { type Answer, answerByKey } from '../operations/acceptance.ts';
import { assertMayOwn } from '../owning-group.ts';
import type { Books, KeyUse } from '../ports.ts';
import { foreseeAll, type PlanDeps } from './create-plan.ts';
import type { CommandPlan, PinnedCommand, PlanReader } from './plan-ports.ts';
import { getPlan } from './read-plans.ts';

/** Who applies a plan, and what the operation shall be known by. */
export interface Application {
  readonly operationId: string;
  readonly caller: Caller;
  readonly deadline: Date;
  readonly requestId: string;
  readonly traceparent: string;
  readonly key: KeyUse | undefined;
  readonly mayWait: boolean;
  readonly planId: string;
  /** Empty: whatever the plan's is. */
  readonly hash: string;
}

export interface ApplyDeps extends PlanDeps {
  readonly plans: PlanReader;
}

/** What applying a plan started. */
export type Applied = Accepted | { readonly bulk: Bulk };

/** What the plan stands on has changed: nothing of the transaction is kept. */
class Outdated extends Error {
  override readonly name = 'Outdated';
}

/**
 * Accepts what was planned, with the values that the plan holds, if nothing that it stands on has changed: the VMs it changes, what is applied
 * on the routers, and what comes out of the acceptance. Between this and the commit the driver's own checks hold as for any change.
 */
export async function applyPlan(deps: ApplyDeps, asked: Application): Promise<Applied> {
  const plan = await getPlan(deps, asked.caller, asked.planId, 'vms:write');
  if (asked.hash !== '' && asked.hash !== plan.hash) throw planHashMismatch(plan.hash);
  if (plan.mode !== null && asked.operationId !== plan.id) throw operationIdTaken();
  assertOwnGroup(asked.caller, plan.commands);
  if (plan.commands.some(({ kind }) => kind === 'restore-vm')) assertWholeRouter(asked.caller, 'vms:write');
  try {
    if (plan.state === 'open') await assertBase(deps, asked.caller, plan);
    await learnOwners(deps.groups, commandsOf(plan, asked));
    return await deps.ledger.transaction(plan.routers, (books) => accept(deps, books, asked), { takesLong: true });
  } catch (error) {
    if (!(error instanceof Outdated)) throw error;
    await noteOutdated(deps, plan, error.message);
    throw planOutdated(error.message);
  }
}

/** Throws when a VM would come to be of a group in which the caller may not write. */
function assertOwnGroup(caller: Caller, commands: readonly PinnedCommand[]): void {
  for (const command of commands) {
    const owner =
      command.kind === 'provision-vm'
        ? command.ownerGroup
        : command.kind === 'update-vm'
          ? command.update.ownerGroup
          : undefined;
    if (owner !== undefined) assertMayOwn(caller, owner);
  }
}

/** Throws unless the caller may do all with routers, and `verb` with VMs, whosever they are. */
export function assertWholeRouter(caller: Caller, verb: 'vms:read' | 'vms:write'): void {
  requireEverywhere(caller, 'routers:admin');
  requireEverywhere(caller, verb);
}

/** Throws when the routers would now be sent something else, or others hold something in the way. */
async function assertBase(deps: ApplyDeps, caller: Caller, plan: CommandPlan): Promise<void> {
  const now = await foreseeAll(deps, caller, plan.changes);
  for (const [index, { router, base, conflicts }] of now.entries()) {
    if (base === plan.foreseen[index]?.base) continue;
    throw new Outdated(conflicts[0]?.message ?? `what its VMs have on the router ${router} is not what it was.`);
  }
}

async function accept(deps: ApplyDeps, books: Books, asked: Application): Promise<Applied> {
  const plan = await books.plans.lock(asked.planId);
  if (plan === undefined) throw planNotFound(asked.planId);
  const before = await repeatOf(books, plan, asked);
  if (before) return before;
  if (asked.deadline.getTime() <= books.now.getTime()) throw deadlinePassed();
  assertApplicable(plan);
  await assertVersions(books, plan);
  await books.plans.handOver(plan.id);
  const sent: PlannedChange[] = [];
  const answers = await acceptIn(deps, listening(books, sent), commandsOf(plan, asked));
  const accepted = answers.map(acceptedOnly);
  if (digestOf(byVm(sent)) !== digestOf(byVm(plan.changes))) throw new Outdated('it would come to something else now.');
  await books.plans.put({ ...plan, state: 'applied', operationId: asked.operationId });
  const [first] = accepted;
  if (plan.mode !== null) return { bulk: await beginBulk(books, plan, asked) };
  if (first === undefined) throw new Error(`the plan ${plan.id} holds no command`);
  return first;
}

/** What the same request started when it came before. */
async function repeatOf(books: Books, plan: CommandPlan, asked: Application): Promise<Applied | undefined> {
  if (!wasApplied(plan)) return undefined;
  if (plan.mode !== null) {
    const bulk = await books.bulks.lock(plan.id);
    return bulk?.principalId === asked.caller.id ? { bulk } : undefined;
  }
  const known = (await books.operations.byIds([asked.operationId])).get(asked.operationId);
  if (known && known.id === plan.operationId) return { operation: known, replayed: false };
  const [byKey] = await books.operations.byKeys([asked.key]);
  if (byKey === undefined || asked.key === undefined) return undefined;
  const answer = answerByKey(byKey, asked.key.fingerprint);
  if (answer instanceof DomainError) throw answer;
  return answer;
}

async function assertVersions(books: Books, { versions, vms }: CommandPlan): Promise<void> {
  const now = await books.plans.versionsOf(vms.map(({ vmId }) => vmId));
  for (const { vmId, vmName } of vms) {
    if (now[vmId] !== versions[vmId]) throw new Outdated(`the VM ${vmName} was changed after the plan was made.`);
  }
}

/** The books, where what is sent is noted too. */
const listening = (books: Books, sent: PlannedChange[]): Books => ({
  ...books,
  sendChange(vm, wanted, operations) {
    sent.push(plannedChange(vm, wanted));
    books.sendChange(vm, wanted, operations);
  },
});

const byVm = (changes: readonly PlannedChange[]): PlannedChange[] =>
  [...changes].sort((a, b) => (a.vmId < b.vmId ? -1 : 1));

function acceptedOnly(answer: Answer): Accepted {
  if (!(answer instanceof DomainError)) return answer;
  if (answer.kind === 'unavailable') throw answer; // the router is away, and the caller will not wait
  throw new Outdated(answer.message);
}

/** The commands as they were planned, now with who applies them. */
function commandsOf({ id, mode, commands }: CommandPlan, asked: Application): Command[] {
  const { caller, deadline, requestId, traceparent, mayWait } = asked;
  const common = { caller, deadline, requestId, traceparent, mayWait, ifVersion: 0, pinned: true };
  return commands.map(({ index, ...command }) =>
    mode === null
      ? { ...command, ...common, operationId: asked.operationId, key: asked.key }
      : { ...command, ...common, operationId: itemIds(id, index).operationId, key: undefined, bulk: { id, index } },
  );
}

/** The bulk that the plan's items are of: all of them are accepted or refused already. */
async function beginBulk(books: Books, plan: CommandPlan, asked: Application): Promise<Bulk> {
  const items = plan.commands.length + plan.refused.length;
  const { caller, requestId, traceparent, mayWait } = asked;
  const begun: Bulk = {
    ...{ id: plan.id, state: 'running', mode: plan.mode ?? 'best-effort', items },
    ...{ principalId: caller.id, principalName: caller.name, userId: caller.userId },
    ...{ principalGroup: homeGroupOf(caller), permissions: caller.permissions, grants: caller.grants },
    ...{ requestId, traceparent, mayWait },
    ...{ next: 0, attempts: 0, succeeded: 0, failed: 0, cancelled: false, undoNext: null, undoing: 0, error: null },
    ...{ createdAt: books.now, updatedAt: books.now },
  };
  const bulk = itemsTaken(begun, { upTo: items, refused: plan.refused.length });
  const named = plan.commands.map((command) => ({
    index: command.index,
    ...('request' in command
      ? ({ kind: 'provision', machineId: command.request.vmName } as const)
      : ({ kind: 'decommission', machineId: command.machineId } as const)),
  }));
  const refused = plan.refused.map(({ index }) => ({ index, kind: 'refused' as const, machineId: '' }));
  await books.bulks.begin(bulk, [...named, ...refused], asked.key);
  await books.bulks.setErrors(bulk.id, plan.refused);
  return bulk;
}

const noteOutdated = ({ ledger }: ApplyDeps, { id, routers }: CommandPlan, reason: string): Promise<void> =>
  ledger.transaction(routers, async ({ plans }) => {
    const plan = await plans.lock(id);
    if (plan?.state !== 'open') return;
    await plans.release(id);
    await plans.put({ ...plan, state: 'outdated', reason });
  });
