import { QueueService, WithdrawalOutcome } from '@berth/contracts';
import { askPatiently } from '@berth/errors';
import { type Bus, request } from '@berth/messaging';
import type { Withdraw, Withdrawn } from '../../app/cancel-operation.ts';

const answerWithinMs = 5_000;
const nobodyThereMs = 3_000;

const outcomes: Record<WithdrawalOutcome, Withdrawn> = {
  [WithdrawalOutcome.UNSPECIFIED]: 'unknown',
  [WithdrawalOutcome.WITHDRAWN]: 'withdrawn',
  [WithdrawalOutcome.UNDER_WAY]: 'too_late',
  [WithdrawalOutcome.SETTLED]: 'too_late',
  [WithdrawalOutcome.NOT_YOURS]: 'too_late',
};

/** Asks the driver to take changes back. */
export const withdrawOver =
  (bus: Bus): Withdraw =>
  async ({ id, name, permissions, group }, router, revisions) => {
    const message = {
      principal: { id, name, permissions: [...permissions], group },
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
