import { type AcceptDriftRequest, DriftAcceptanceService } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { type Bus, currentTrace, serve } from '@berth/messaging';
import { type AcceptDriftDeps, acceptDrift } from '../../../app/drift/accept-drift.ts';
import { isUuid } from '../../../domain/text-rules.ts';
import { readContext } from '../to-commands.ts';

/** Answers DriftAcceptanceService over NATS. Gives back its stop. */
export const serveDrift = (bus: Bus, deps: AcceptDriftDeps): (() => Promise<void>) =>
  serve(bus, DriftAcceptanceService.method.acceptDrift, async (message) => ({
    operationId: await acceptDrift(deps, toFoundDrift(message)),
  }));

function toFoundDrift({ context, resourceId, revision, rules }: AcceptDriftRequest) {
  if (!isUuid(resourceId) || !revision) {
    throw new DomainError('invalid', 'MALFORMED_COMMAND', 'The drift names no VM or no revision.');
  }
  return {
    context: readContext(context, currentTrace()['traceparent'] ?? ''),
    vmId: resourceId.toLowerCase(),
    incarnation: Number(revision.incarnation),
    revision: Number(revision.number),
    rules,
  };
}
