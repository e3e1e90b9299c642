import { type CommandContextSchema, PoolService } from '@berth/contracts';
import { askPatiently } from '@berth/errors';
import { type Bus, request } from '@berth/messaging';
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { orOutcomeUnknown } from './or-outcome-unknown.ts';

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
    change: (method, message, context) => orOutcomeUnknown('the pool was', read(method, message, context)),
  };
};
