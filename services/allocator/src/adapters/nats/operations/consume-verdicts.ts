import {
  type Conflict,
  ConflictKind,
  type RouterChangeSettled,
  RouterChangeSettledSchema,
  streams,
  Verdict as VerdictCode,
} from '@berth/contracts';
import type { Database } from '@berth/database';
import { DomainError } from '@berth/errors';
import { type Bus, type Consumption, consume } from '@berth/messaging';
import { settleVerdicts, type Verdict } from '../../../app/operations/settle-verdicts.ts';
import type { AttemptDeps } from '../../../app/operations/start-attempt.ts';
import type { RouterConflict } from '../../../app/values/choose-elsewhere.ts';
import { isUuid } from '../../../domain/text-rules.ts';

const conflictKinds: Partial<Record<ConflictKind, RouterConflict['kind']>> = {
  [ConflictKind.ADDRESS]: 'address',
  [ConflictKind.MAC]: 'mac',
  [ConflictKind.MAPPING_NAME]: 'mapping',
  [ConflictKind.RULE_NUMBER]: 'rule',
  [ConflictKind.PORT]: 'port',
};

/** Undefined also for a kind that a newer driver knows: then it is a refusal like any other. */
function toConflict({ kind, value, firstNumber, lastNumber }: Conflict): RouterConflict | undefined {
  const known = conflictKinds[kind];
  return known && { kind: known, value, numbers: { first: firstNumber, last: Math.max(firstNumber, lastNumber) } };
}

const outcomes: Partial<Record<VerdictCode, Verdict['outcome']>> = {
  [VerdictCode.APPLIED]: 'applied',
  [VerdictCode.WITHDRAWN]: 'withdrawn',
};

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
    outcome: outcomes[verdict] ?? 'rejected',
    code: message.code,
    message: message.message,
    stood: message.stood,
    conflict: message.conflict && toConflict(message.conflict),
  };
}

/** Takes the driver's verdicts, many at once. */
export const consumeVerdicts = (deps: AttemptDeps & { bus: Bus; database: Database }): Consumption =>
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
