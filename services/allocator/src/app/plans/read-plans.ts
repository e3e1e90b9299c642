import { groupsWhere, isMaker, notForYou, permitsFor } from '@berth/contracts';
import { type PlanState, planNotFound } from '../../domain/plans/plan.ts';
import { isUuid } from '../../domain/text-rules.ts';
import type { Caller } from '../commands.ts';
import { readPageToken, writePageToken } from '../page-token.ts';
import type { Ledger } from '../ports.ts';
import type { CommandPlan, PlanReader } from './plan-ports.ts';

/** The groups that a plan is about: its maker's, and those of its VMs. */
export const groupsOfPlan = ({ principalGroup, vms }: Pick<CommandPlan, 'principalGroup' | 'vms'>): string[] => [
  ...new Set([principalGroup, ...vms.map(({ ownerGroup }) => ownerGroup)]),
];

/**
 * A plan as it stands, that the caller made or all of whose groups' VMs it may see. To apply or discard another's takes `vms:write` for them:
 * else `forbidden`.
 */
export async function getPlan(
  deps: { plans: PlanReader },
  caller: Caller,
  id: string,
  verb: 'vms:read' | 'vms:write' = 'vms:read',
): Promise<CommandPlan> {
  const plan = isUuid(id) ? await deps.plans.find(id) : undefined;
  if (plan === undefined) throw planNotFound(id);
  if (isMaker(caller, plan)) return plan;
  const lacking = (wanted: typeof verb) => groupsOfPlan(plan).find((group) => !permitsFor(caller, wanted, group));
  if (lacking('vms:read') !== undefined) throw planNotFound(id);
  const notWritable = verb === 'vms:write' ? lacking(verb) : undefined;
  if (notWritable !== undefined) throw notForYou(verb, notWritable);
  return plan;
}

const defaultPageSize = 100;
const maxPageSize = 500;

/** A page of the plans that a caller made or may see, the newest first. */
export async function listPlans(
  deps: { plans: PlanReader },
  caller: Caller,
  page: { readonly size: number; readonly token: string; readonly states: readonly PlanState[] },
): Promise<{ readonly plans: readonly CommandPlan[]; readonly nextToken: string }> {
  const size = Math.min(page.size || defaultPageSize, maxPageSize);
  const seen = { principalId: caller.id, userId: caller.userId, groups: groupsWhere(caller, 'vms:read') };
  const query = JSON.stringify(['plans', seen, page.states]);
  const [after] = readPageToken(page.token, query, 1) ?? [];
  const found = await deps.plans.list(seen, { states: page.states, after, most: size + 1 });
  const last = found.length > size ? found[size - 1] : undefined;
  return {
    plans: found.slice(0, size).map(({ plan }) => plan),
    nextToken: last ? writePageToken([last.place], query) : '',
  };
}

/** Gives back at once what an open plan holds. */
export async function discardPlan(
  deps: { readonly plans: PlanReader; readonly ledger: Ledger },
  caller: Caller,
  id: string,
): Promise<CommandPlan> {
  const { routers } = await getPlan(deps, caller, id, 'vms:write');
  return deps.ledger.transaction(routers, async ({ plans }) => {
    const plan = await plans.lock(id);
    if (plan === undefined) throw planNotFound(id);
    if (plan.state !== 'open') return plan;
    await plans.release(id);
    const discarded = { ...plan, state: 'discarded' } as const;
    await plans.put(discarded);
    return discarded;
  });
}
