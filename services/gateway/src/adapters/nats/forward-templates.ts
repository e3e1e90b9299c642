import {
  type ForwardTemplate,
  type Principal,
  type SetForwardTemplateRequestSchema,
  VmService,
} from '@berth/contracts';
import { askPatiently, sendPatiently } from '@berth/errors';
import { type Bus, request } from '@berth/messaging';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { orOutcomeUnknown } from './or-outcome-unknown.ts';

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
  set: (message) =>
    orOutcomeUnknown(
      'the template was',
      sendPatiently(() => request(bus, method.setForwardTemplate, message, { timeoutMs }), nobodyThereMs),
    ),
});
