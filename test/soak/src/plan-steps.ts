import { VmPlanService, VmService } from '@berth/contracts';
import { isKind } from '@berth/errors';
import { request } from '@berth/messaging';
import { newVm } from './random-wishes.ts';
import { asker, contextOf, provisionOf, timeoutMs } from './send-wish.ts';
import type { Soak } from './soak.ts';

/** Takes back something that was accepted, unless it is too late for that. */
export async function cancel(soak: Soak): Promise<void> {
  const { operationId } = soak.dice.oneOf(soak.wishes) ?? {};
  if (operationId === undefined) return;
  const message = { principal: asker, operationId };
  await unlessRefused(soak, () => request(soak.system.bus, VmService.method.cancelOperation, message, { timeoutMs }));
}

/** Plans a VM; mostly the plan is applied, otherwise it holds its values for a while. */
export async function plan(soak: Soak): Promise<void> {
  const { dice, system } = soak;
  const { method } = VmPlanService;
  const [vmId, planId, operationId] = [dice.uuid(), dice.uuid(), dice.uuid()];
  const wish = { kind: 'provision', vm: newVm(dice) } as const;
  const asked = {
    context: contextOf(planId),
    command: { case: 'provision', value: provisionOf(vmId, wish.vm) },
  } as const;
  await unlessRefused(soak, async () => {
    await request(system.bus, method.createPlan, { ...asked, expiresInSeconds: 60 }, { timeoutMs });
    if (dice.chance(0.3)) return;
    if (dice.chance(0.2)) {
      await request(system.bus, method.discardPlan, { context: contextOf(dice.uuid()), planId }, { timeoutMs });
      return;
    }
    await request(system.bus, method.applyPlan, { context: contextOf(operationId), planId }, { timeoutMs });
    soak.note({ vmId, operationId, wish });
  });
}

/** A refusal is an answer like any other, except for one that nobody foresaw. */
async function unlessRefused(soak: Soak, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (isKind(error, 'bug')) throw error;
    soak.refusedAtOnce += 1;
  }
}
