import { askPatiently } from '@berth/errors';
import { type Bus, request } from '@berth/messaging';
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { orOutcomeUnknown } from './or-outcome-unknown.ts';

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
    change: (asked, message) => orOutcomeUnknown('anything was', read(asked, message)),
  };
};
