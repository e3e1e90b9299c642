import { type ConfigOperation, ConfigVerb, PlanService } from '@berth/contracts';
import { askPatiently } from '@berth/errors';
import { type Bus, request } from '@berth/messaging';
import type { ForeseeRouter } from '../../../app/plans/plan-ports.ts';
import type { ForeseenOperation } from '../../../domain/plans/plan.ts';
import { fragmentOnWire } from '../outgoing-messages.ts';
import { inOwnName } from '../to-commands.ts';

const answerWithinMs = 5_000;
const nobodyThereMs = 3_000;

/**
 * Asks the driver, which answers from its tables, what changes would do on a router. Whose the VMs are is no matter of the driver's here: it
 * hears of a VM's new group later than the allocator, which has judged that already.
 */
export const foreseeRouter =
  (bus: Bus): ForeseeRouter =>
  async (caller, router, changes) => {
    const message = {
      principal: inOwnName(caller, 'vms:write'),
      router,
      changes: changes.map(({ vmId, desired }) => ({
        resourceId: vmId,
        ...(desired && { desired: fragmentOnWire(desired) }),
      })),
    };
    const ask = () => request(bus, PlanService.method.planChanges, message, { timeoutMs: answerWithinMs });
    const answer = await askPatiently(ask, nobodyThereMs);
    return {
      router,
      operations: answer.operations.map(toOperation),
      inverse: answer.inverse.map(toOperation),
      restartsDhcp: answer.restartsDhcp,
      estimateMs: answer.estimateMs,
      commits: answer.commits,
      base: answer.base,
      conflicts: answer.conflicts.map(({ resourceId, conflict, message: text }) => ({
        vmId: resourceId,
        path: conflict?.path ?? '',
        message: text,
      })),
    };
  };

const toOperation = ({ verb, path, resourceId }: ConfigOperation): ForeseenOperation => ({
  op: verb === ConfigVerb.DELETE ? 'delete' : 'set',
  path,
  vmId: resourceId,
});
