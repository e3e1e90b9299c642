import { askPatiently, DomainError, wasNotAnswered } from '@berth/errors';
import { type Bus, request } from '@berth/messaging';
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';

type Ask = <I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  message: MessageInitShape<I>,
) => Promise<MessageShape<O>>;

/** Asks auth. */
export interface AuthAsk {
  readonly read: Ask;
  /** Silence is followed by a repeat, which auth knows by its operation id; when that is silence too, the outcome is not known. */
  readonly change: Ask;
}

export const authAsk = (bus: Bus, wait: { answerTimeoutMs: number; nobodyThereMs: number }): AuthAsk => {
  const read: Ask = (asked, message) =>
    askPatiently(() => request(bus, asked, message, { timeoutMs: wait.answerTimeoutMs }), wait.nobodyThereMs);
  return {
    read,
    async change(asked, message) {
      try {
        return await read(asked, message);
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
    'No answer came in time, so it is not known whether anything was changed. Look at it, or repeat the request with the same Idempotency-Key.',
    { retryAfterSeconds: 5 },
    { cause },
  );
