import { type RouterChangeSettled, RouterChangeSettledSchema, streams, Verdict as VerdictCode } from '@berth/contracts';
import type { Database } from '@berth/database';
import { DomainError } from '@berth/errors';
import { type Bus, type Consumption, consume } from '@berth/messaging';
import type { Ledger } from '../../app/ports.ts';
import { settleVerdicts, type Verdict } from '../../app/settle-verdicts.ts';
import { isUuid } from '../../domain/text-rules.ts';

function toVerdict(message: RouterChangeSettled): Verdict {
  const { verdict, revision, resourceId } = message;
  if (!revision || !isUuid(resourceId) || verdict === VerdictCode.UNSPECIFIED) {
    throw new DomainError('invalid', 'MALFORMED_MESSAGE', 'The verdict names no resource, revision or result.');
  }
  return {
    router: message.router,
    vmId: resourceId.toLowerCase(),
    incarnation: Number(revision.incarnation),
    revision: Number(revision.number),
    applied: verdict === VerdictCode.APPLIED,
    code: message.code,
    message: message.message,
    stood: message.stood,
  };
}

/** Takes the driver's verdicts, many at once. */
export const consumeVerdicts = (deps: { bus: Bus; database: Database; ledger: Ledger }): Consumption =>
  consume(deps, {
    stream: streams.routerEvents,
    filter: 'router-events.settled.>',
    durable: 'allocator-verdicts',
    schema: RouterChangeSettledSchema,
    batchSize: 200,
    handle: (batch) =>
      settleVerdicts(
        deps,
        batch.map(({ message }) => toVerdict(message)),
      ),
  });
