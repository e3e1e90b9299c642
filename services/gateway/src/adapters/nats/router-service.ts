import { RouterAdminService, RouterUseService } from '@berth/contracts';
import { askPatiently, sendPatiently } from '@berth/errors';
import { type Bus, request } from '@berth/messaging';
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { orOutcomeUnknown } from './or-outcome-unknown.ts';

type Ask = <I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  message: MessageInitShape<I>,
) => Promise<MessageShape<O>>;

/** Asks the driver about routers, and the allocator what they are used for. */
export interface RouterAdministration {
  readonly read: Ask;
  /** Sent once: silence means that the outcome is not known. */
  readonly change: Ask;
  /** For what talks with a router while the caller waits. */
  readonly try: Ask;
}

export const routerMethods = RouterAdminService.method;
export const routerUse = RouterUseService.method.getRouterUse;

/** A test of a router waits for its worker, then makes several requests. */
const testMs = 110_000;

export function routerAdministration(
  bus: Bus,
  wait: { answerTimeoutMs: number; nobodyThereMs: number },
): RouterAdministration {
  const { answerTimeoutMs: timeoutMs, nobodyThereMs } = wait;
  return {
    read: (method, message) => askPatiently(() => request(bus, method, message, { timeoutMs }), nobodyThereMs),
    change: (method, message) =>
      orOutcomeUnknown(
        'the router was',
        sendPatiently(() => request(bus, method, message, { timeoutMs }), nobodyThereMs),
      ),
    try: (method, message) => sendPatiently(() => request(bus, method, message, { timeoutMs: testMs }), nobodyThereMs),
  };
}
