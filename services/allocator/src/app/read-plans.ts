import { permits } from '@berth/contracts';
import { type PlanState, planNotFound } from '../domain/plan.ts';
import { isUuid } from '../domain/text-rules.ts';
import type { Caller } from './commands.ts';
import { readPageToken, writePageToken } from './page-token.ts';
import type { CommandPlan, PlanReader } from './plan-ports.ts';
import type { Ledger } from './ports.ts';

/** Whether somebody may see, apply and discard a plan: it is its own, or its group's, or it may do anything with routers. */
export const mayUsePlan = (caller: Caller, plan: Pick<CommandPlan, 'principalId' | 'principalGroup'>): boolean =>
  caller.id === plan.principalId ||
  caller.group === plan.principalGroup ||
  (caller.group === '' && permits(caller, 'routers:admin'));

/** A plan as it stands. */
export async function getPlan(deps: { plans: PlanReader }, caller: Caller, id: string): Promise<CommandPlan> {
  const plan = isUuid(id) ? await deps.plans.find(id) : undefined;
  if (plan === undefined || !mayUsePlan(caller, plan)) throw planNotFound(id);
  return plan;
}

const defaultPageSize = 100;
const maxPageSize = 500;

/** A page of the plans of a caller and its group, the newest first. */
export async function listPlans(
  deps: { plans: PlanReader },
  caller: Caller,
  page: { readonly size: number; readonly token: string; readonly states: readonly PlanState[] },
): Promise<{ readonly plans: readonly CommandPlan[]; readonly nextToken: string }> {
  const size = Math.min(page.size || defaultPageSize, maxPageSize);
  const query = JSON.stringify(['plans', caller.id, caller.group, page.states]);
  const [after] = readPageToken(page.token, query, 1) ?? [];
  const found = await deps.plans.list(
    { principalId: caller.id, group: caller.group },
    {
      states: page.states,
      after,
      most: size + 1,
    },
  );
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
  const { routers } = await getPlan(deps, caller, id);
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
