import { DriftAcceptanceService } from '@berth/contracts';
import { type Bus, request } from '@berth/messaging';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { pause } from '../../app/bell.ts';
import { type DriftOffers, type OfferDeps, offerDrift } from '../../app/drift/offer-drift.ts';

const answerWithinMs = 5_000;
const deadlineMs = 10_000;

/** The driver itself asks: whoever changed the router is not known. */
const principal = {
  id: 'vyos-driver',
  kind: 'service',
  name: 'router drift',
  permissions: ['vms:write'],
  group: '',
};

const askAllocator =
  (bus: Bus): OfferDeps['ask'] =>
  async ({ operationId, resourceId, revision, rules }) => {
    const context = { operationId, principal, deadline: timestampFromMs(Date.now() + deadlineMs), mayWait: true };
    const message = { context, resourceId, revision, rules: rules.map((rule) => ({ ...rule })) };
    await request(bus, DriftAcceptanceService.method.acceptDrift, message, { timeoutMs: answerWithinMs });
  };

/** Offers what drifted under the policy `accept` to the allocator, again and again. Gives back its stop. */
export function offerToAllocator(bus: Bus, offers: DriftOffers, everyMs: number): () => Promise<void> {
  const stopping = new AbortController();
  const offering = async () => {
    while (!stopping.signal.aborted) {
      await offerDrift({ offers, ask: askAllocator(bus) }).catch((error) =>
        bus.log.warn({ err: error }, 'offering drift failed'),
      );
      await pause(everyMs, stopping.signal);
    }
  };
  const running = offering();
  return async () => {
    stopping.abort();
    await running;
  };
}
