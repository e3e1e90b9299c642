import { type CommandContextSchema, PoolService } from '@berth/contracts';
import { askPatiently, DomainError, wasNotAnswered } from '@berth/errors';
import { type Bus, request } from '@berth/messaging';
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';

type Ask = <I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  message: MessageInitShape<I>,
  context: MessageInitShape<typeof CommandContextSchema>,
) => Promise<MessageShape<O>>;

/** Asks the allocator about pools. */
export interface PoolAdministration {
  readonly read: Ask;
  /**
   * Silence is followed by a repeat, which the allocator knows by the idempotency key that `context` has to carry; when that is silence
   * too, the outcome is not known.
   */
  readonly change: Ask;
}

/** The methods of the service, for those who ask it. */
export const poolMethods = PoolService.method;

export const poolAdministration = (
  bus: Bus,
  wait: { answerTimeoutMs: number; nobodyThereMs: number },
): PoolAdministration => {
  const read: Ask = (method, message, context) =>
    askPatiently(() => request(bus, method, message, { timeoutMs: wait.answerTimeoutMs, context }), wait.nobodyThereMs);
  return {
    read,
    async change(method, message, context) {
      try {
        return await read(method, message, context);
      } catch (error) {
        throw wasNotAnswered(error) ? outcomeUnknown(error) : error;
      }
    },
  };
};

const outcomeUnknown = (cause: unknown) =>
  new DomainError(
    'unavailable',
    'OUTCOME_UNKNOWN',
    'No answer came in time, so it is not known whether the pool was changed. Look at it, or repeat the request with the same Idempotency-Key.',
    { retryAfterSeconds: 5 },
    { cause },
  );
