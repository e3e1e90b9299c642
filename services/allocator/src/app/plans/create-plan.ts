import { homeGroupOf } from '@berth/contracts';
import { DomainError, toWire } from '@berth/errors';
import { idempotencyKeyReused } from '../../domain/errors.ts';
import { hasEnded } from '../../domain/operations/operation.ts';
import {
  digestOf,
  type ForeseenRouter,
  maxLivePlans,
  type PlannedChange,
  planTooSlow,
  tooManyPlans,
  vmUnsettled,
} from '../../domain/plans/plan.ts';
import { bulkRefusal } from '../bulk/bulk-work.ts';
import type { Caller, Command } from '../commands.ts';
import { learnOwners } from '../known-groups.ts';
import { type AcceptDeps, acceptIn } from '../operations/accept-commands.ts';
import type { Answer } from '../operations/acceptance.ts';
import { atTheirRouters } from '../operations/place-commands.ts';
import type { KeyUse } from '../ports.ts';
import type { CommandPlan, ForeseeRouter, PinnedCommand, PlanBook, Takings, Trial } from './plan-ports.ts';

export interface PlanDeps extends AcceptDeps {
  readonly foresee: ForeseeRouter;
}

/** What shall be planned. */
export interface PlanWish {
  readonly id: string;
  readonly caller: Caller;
  readonly deadline: Date;
  readonly key: KeyUse | undefined;
  readonly kind: CommandPlan['kind'];
  readonly mode: CommandPlan['mode'];
  /** For people. */
  readonly request: string;
  /** In their places; what could not be read as a command says why. Without keys of their own. */
  readonly commands: readonly (Command | DomainError)[];
  readonly lifetimeMs: number;
  /** Nothing is kept. */
  readonly dryRun: boolean;
  /** Of a bulk that is best effort: makes one refusal of all, so that nothing is planned unless all can be had. */
  readonly refuse?: (errors: readonly DomainError[]) => DomainError;
}

/** A plan whose process died holds its values for so long. */
const makingMs = 30_000;
const many = 50;
/** Of each command what is the request's and not the command's. */
const ofRequest = new Set(
  'operationId deadline caller requestId traceparent key mayWait ifVersion bulk pinned'.split(' '),
);

/**
 * Tries commands out exactly as they would be accepted, takes that back, and asks the driver what the routers would be sent. Unless it is a
 * dry run the plan is kept, and holds all that was taken, so that applying it gives exactly that.
 */
export async function createPlan(deps: PlanDeps, wish: PlanWish): Promise<CommandPlan> {
  const { plan, isNew } = await tryCommands(deps, wish);
  if (!isNew) return plan;
  try {
    const foreseen = await foreseeAll(deps, wish.caller, plan.changes);
    return await finish(deps, wish, { ...plan, foreseen, hash: digestOf(plan.commands, plan.changes, foreseen) });
  } catch (error) {
    if (!wish.dryRun) await giveUp(deps, plan);
    throw error;
  }
}

/** What each router would be sent for its changes, by the routers' names. */
export function foreseeAll(
  { foresee }: Pick<PlanDeps, 'foresee'>,
  caller: Caller,
  changes: readonly PlannedChange[],
): Promise<readonly ForeseenRouter[]> {
  const byRouter = [...Map.groupBy(changes, ({ router }) => router)].sort(([a], [b]) => (a < b ? -1 : 1));
  return Promise.all(byRouter.map(([router, own]) => foresee(caller, router, own)));
}

async function tryCommands(
  deps: PlanDeps,
  wish: PlanWish,
): Promise<{ readonly plan: CommandPlan; readonly isNew: boolean }> {
  const commands = wish.commands.filter((one) => !(one instanceof DomainError));
  await learnOwners(deps.groups, commands);
  return atTheirRouters(deps.ledger, commands, (placed, routers) =>
    deps.ledger.rehearse(
      routers,
      async (books) => {
        const answers = await acceptIn(deps, books, placed);
        return answers.map((answer) => settledOnly(answer));
      },
      (plans, trial) => keep(plans, trial, wish, { placed, routers }),
      { takesLong: placed.length > many },
    ),
  );
}

/** What waits behind a change that is on its way comes to nothing yet. */
const settledOnly = (answer: Answer): Answer =>
  !(answer instanceof DomainError) && answer.operation.state === 'pending' && !hasEnded(answer.operation)
    ? vmUnsettled(answer.operation.vmName)
    : answer;

async function keep(
  plans: PlanBook,
  trial: Trial<readonly Answer[]>,
  wish: PlanWish,
  { placed, routers }: { readonly placed: readonly Command[]; readonly routers: readonly string[] },
): Promise<{ readonly plan: CommandPlan; readonly isNew: boolean }> {
  const { dryRun, key, caller } = wish;
  const known = dryRun ? undefined : await plans.known(wish.id, key);
  if (known) return { plan: knownPlan(known, wish), isNew: false };
  const { pinned, refused } = sortAnswers(wish, placed, trial.outcome);
  const plan: CommandPlan = {
    ...{ id: wish.id, state: 'making', kind: wish.kind, mode: wish.mode, request: wish.request },
    ...{
      principalId: caller.id,
      principalGroup: homeGroupOf(caller),
      userId: caller.userId,
      routers,
      commands: pinned,
    },
    ...{ changes: trial.changes, versions: trial.versions, vms: trial.vms, refused },
    ...{ warnings: [], foreseen: [], hash: '', operationId: null, operationState: null, reason: '' },
    createdAt: trial.now,
    expiresAt: new Date(trial.now.getTime() + makingMs),
  };
  if (!dryRun) {
    if ((await plans.countLive(caller.id)) >= maxLivePlans) throw tooManyPlans();
    await plans.insert(plan, trial.takings satisfies Takings, key);
  }
  return { plan, isNew: true };
}

function knownPlan(
  { plan, fingerprint }: NonNullable<Awaited<ReturnType<PlanBook['known']>>>,
  { caller, key }: PlanWish,
): CommandPlan {
  const same = fingerprint === null || Buffer.from(fingerprint).equals(Buffer.from(key?.fingerprint ?? []));
  if (!same || plan.principalId !== caller.id) throw idempotencyKeyReused();
  if (plan.hash === '') throw planTooSlow(); // it is being made, or its maker died
  return plan;
}

/** The commands that would be accepted, in a form that comes out the same each time, and why the others would not be. */
function sortAnswers(wish: PlanWish, placed: readonly Command[], answers: readonly Answer[]) {
  const pinned: PinnedCommand[] = [];
  const refused: { readonly index: number; readonly error: DomainError }[] = [];
  let place = 0;
  for (const [index, one] of wish.commands.entries()) {
    const command = placed[place];
    const answer = one instanceof DomainError ? one : answers[place++];
    if (answer instanceof DomainError) refused.push({ index, error: answer });
    else if (command) pinned.push(pin(command, index));
  }
  const [first] = refused;
  if (first && wish.mode === null) throw first.error;
  if (first && wish.mode === 'atomic') throw bulkRefusal(first);
  if (first && wish.refuse) throw wish.refuse(refused.map(({ error }) => error));
  return { pinned, refused: refused.map(({ index, error }) => ({ index, error: toWire(error) })) };
}

/** The command without what is of its request. Names, ids and addresses of machines that were chosen are part of it. */
function pin(command: Command, index: number): PinnedCommand {
  const kept = Object.fromEntries(Object.entries(command).filter(([name]) => !ofRequest.has(name)));
  const pinned: PinnedCommand = { ...JSON.parse(JSON.stringify(kept)), index };
  return pinned.kind === 'provision-vm' ? { ...pinned, routerNamed: true } : pinned;
}

async function finish({ ledger }: PlanDeps, wish: PlanWish, plan: CommandPlan): Promise<CommandPlan> {
  const done = { ...plan, state: 'open', warnings: warningsOf(plan) } as const;
  if (wish.dryRun) return done;
  return ledger.transaction(plan.routers, async ({ plans, now }) => {
    const current = await plans.lock(plan.id);
    if (current?.state !== 'making' || wish.deadline.getTime() <= now.getTime()) throw planTooSlow();
    const open = { ...done, expiresAt: new Date(now.getTime() + wish.lifetimeMs) };
    await plans.put(open);
    return open;
  });
}

/** Gives back what is held for a plan that did not come to be, and its key with it. Should that fail, its time is over soon. */
const giveUp = ({ ledger }: PlanDeps, { id, routers }: CommandPlan): Promise<void> =>
  ledger
    .transaction(routers, async ({ plans }) => {
      const plan = await plans.lock(id);
      if (plan?.state !== 'making') return;
      await plans.forget(id);
    })
    .catch(() => {});

function warningsOf({ foreseen, refused }: CommandPlan): string[] {
  const restarting = foreseen.filter(({ restartsDhcp }) => restartsDhcp).map(({ router }) => router);
  return [
    ...restarting.map(
      (router) => `The DHCP server of ${router} restarts: nobody gets a lease there for a second or so.`,
    ),
    ...foreseen.flatMap(({ conflicts }) => conflicts.map(({ message }) => message)),
    ...(refused.length > 0 ? [`${refused.length} items would be refused.`] : []),
  ];
}
