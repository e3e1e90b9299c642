import { type ChangePlace, type Operation, type Principal, QueueService } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { type Bus, request } from '@berth/messaging';

/** Where an operation stands in its router's queue. */
export interface QueueReader {
  /** Undefined when the operation was not sent yet, or the driver does not know or does not answer: an operation is shown without it then. */
  placeOf(principal: Principal, operation: Operation): Promise<ChangePlace | undefined>;
}

/** The driver answers from its tables; whoever shows an operation does not wait long for it. */
const answerWithinMs = 1_000;

export const queueReader = (bus: Bus): QueueReader => ({
  async placeOf(principal, { router, revision, vmId }) {
    if (revision === undefined) return undefined;
    const question = { principal, router, changes: [{ resourceId: vmId, revision }] };
    try {
      const answer = await request(bus, QueueService.method.queryQueue, question, { timeoutMs: answerWithinMs });
      return answer.places[0];
    } catch (error) {
      if (error instanceof DomainError) return undefined;
      throw error;
    }
  },
});
