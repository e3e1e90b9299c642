import { QueueService, WithdrawalOutcome } from '@berth/contracts';
import { askPatiently } from '@berth/errors';
import { type Bus, request } from '@berth/messaging';
import type { Withdraw, Withdrawn } from '../../../app/operations/cancel-operation.ts';
import { inOwnName } from '../to-commands.ts';

const answerWithinMs = 5_000;
const nobodyThereMs = 3_000;

const outcomes: Record<WithdrawalOutcome, Withdrawn> = {
  [WithdrawalOutcome.UNSPECIFIED]: 'unknown',
  [WithdrawalOutcome.WITHDRAWN]: 'withdrawn',
  [WithdrawalOutcome.UNDER_WAY]: 'too_late',
  [WithdrawalOutcome.SETTLED]: 'too_late',
  [WithdrawalOutcome.NOT_YOURS]: 'too_late',
};

/** Asks the driver to take changes back, which the caller may: the driver hears of a VM's new group later than the allocator. */
export const withdrawOver =
  (bus: Bus): Withdraw =>
  async (caller, router, revisions) => {
    const message = {
      principal: inOwnName(caller, 'vms:write'),
      router,
      changes: revisions.map(({ vmId, incarnation, revision }) => ({
        resourceId: vmId,
        revision: { incarnation: BigInt(incarnation), number: BigInt(revision) },
      })),
    };
    const ask = () => request(bus, QueueService.method.withdrawChanges, message, { timeoutMs: answerWithinMs });
    const { withdrawals } = await askPatiently(ask, nobodyThereMs);
    return withdrawals.map(({ outcome }) => outcomes[outcome]);
  };
