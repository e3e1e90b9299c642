import {
  type ForwardTemplate,
  type Principal,
  type SetForwardTemplateRequestSchema,
  VmService,
} from '@berth/contracts';
import { askPatiently, DomainError, sendPatiently, wasNotAnswered } from '@berth/errors';
import { type Bus, request } from '@berth/messaging';
import type { MessageInitShape } from '@bufbuild/protobuf';

const { method } = VmService;

/** The forwards that new VMs get. */
export interface ForwardTemplates {
  get(principal: Principal): Promise<ForwardTemplate>;
  /** Replaces them. Silence is not followed by a repeat: that would meet the version that the first try made. */
  set(message: MessageInitShape<typeof SetForwardTemplateRequestSchema>): Promise<ForwardTemplate>;
}

export const forwardTemplates = (
  bus: Bus,
  { answerTimeoutMs: timeoutMs, nobodyThereMs }: { answerTimeoutMs: number; nobodyThereMs: number },
): ForwardTemplates => ({
  get: (principal) =>
    askPatiently(() => request(bus, method.getForwardTemplate, { principal }, { timeoutMs }), nobodyThereMs),
  async set(message) {
    try {
      return await sendPatiently(() => request(bus, method.setForwardTemplate, message, { timeoutMs }), nobodyThereMs);
    } catch (error) {
      throw wasNotAnswered(error) ? outcomeUnknown(error) : error;
    }
  },
});

const outcomeUnknown = (cause: unknown) =>
  new DomainError(
    'unavailable',
    'OUTCOME_UNKNOWN',
    'No answer came in time, so it is not known whether the template was changed. Look at it, or repeat the request with the same Idempotency-Key.',
    { retryAfterSeconds: 5 },
    { cause },
  );
