import {
  type ChangePlaceSchema,
  type ChangeRef as ChangeRefMessage,
  ChangeStanding,
  WithdrawalOutcome as OutcomeOnWire,
  type PermissionVerb,
  type Principal,
  permitsFor,
  QueueService,
  requirePermission,
} from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { type Bus, serve } from '@berth/messaging';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { etaMs } from '../../domain/batches/queue-eta.ts';
import { routerUnknown } from '../../domain/routers/router-unknown.ts';
import type { PlaceRow, PostgresQueue, QueueState } from '../postgres/changes/postgres-queue.ts';
import type { ChangeRef, WithdrawalOutcome } from '../postgres/changes/withdraw-changes.ts';

const mostAsked = 500;
const mostWithdrawn = 2_000;

const outcomeOnWire: Record<WithdrawalOutcome, OutcomeOnWire> = {
  withdrawn: OutcomeOnWire.WITHDRAWN,
  under_way: OutcomeOnWire.UNDER_WAY,
  settled: OutcomeOnWire.SETTLED,
  not_yours: OutcomeOnWire.NOT_YOURS,
  unknown: OutcomeOnWire.UNSPECIFIED,
};

/** Answers what waits for routers, and takes changes out of the queue, on any replica. Gives back its stop. */
export function serveQueue(bus: Bus, queue: PostgresQueue): () => Promise<void> {
  const stops = [
    serve(bus, QueueService.method.queryQueue, async ({ principal, router, changes }) => {
      requirePermission(principal, 'operations:read');
      const state = await queue.stateOf(router);
      if (state === undefined) throw routerUnknown(router);
      const places = await queue.places(router, refsOf(changes, mostAsked));
      return {
        waiting: state.waiting,
        ...(state.running && {
          running: {
            ...state.running,
            startedAt: timestampFromMs(state.running.startedMs),
            estimateMs: state.running.estimateMs,
          },
        }),
        places: places
          .filter((place) =>
            concerns(principal, 'operations:read', { ownerGroup: place.owner_group, principals: place.principals }),
          )
          .map((place) => placeMessage(place, state)),
      };
    }),
    serve(bus, QueueService.method.withdrawChanges, async ({ principal, router, changes }) => {
      requirePermission(principal, 'vms:write');
      const refs = refsOf(changes, mostWithdrawn);
      const outcomes = await queue.withdraw(router, refs, (group, causes) =>
        concerns(principal, 'vms:write', {
          ownerGroup: group,
          principals: causes.map(({ principalId }) => principalId),
        }),
      );
      return {
        withdrawals: refs.map(({ resourceId }, at) => ({
          resourceId,
          outcome: outcomeOnWire[outcomes[at] ?? 'unknown'],
        })),
      };
    }),
  ];
  return async () => void (await Promise.all(stops.map((stop) => stop())));
}

/** Whether a change is one with which the principal may do `verb`: by its group, or because it asked for it. */
const concerns = (
  principal: Principal | undefined,
  verb: PermissionVerb,
  { ownerGroup, principals }: { readonly ownerGroup: string; readonly principals: readonly string[] },
): boolean => principal !== undefined && (permitsFor(principal, verb, ownerGroup) || principals.includes(principal.id));

function refsOf(changes: readonly ChangeRefMessage[], most: number): readonly ChangeRef[] {
  if (changes.length > most)
    throw new DomainError('invalid', 'INVALID_REQUEST', `At most ${most} changes can be asked about together.`);
  return changes.map(({ resourceId, revision }) => ({
    resourceId,
    revision: { incarnation: revision?.incarnation ?? 0n, number: revision?.number ?? 0n },
  }));
}

function placeMessage(row: PlaceRow, queue: QueueState): MessageInitShape<typeof ChangePlaceSchema> {
  const inBatch = !row.settled && row.batch_state === 'sending';
  const standing = row.settled ? ChangeStanding.SETTLED : inBatch ? ChangeStanding.IN_BATCH : ChangeStanding.WAITING;
  // Those in the commit that runs are before all others, and wait no more.
  const position = inBatch ? 0 : Math.max(1, (row.position ?? 0) - (queue.running?.resources ?? 0));
  const eta = row.settled ? undefined : etaMs(queue.cost, { ...queue, position });
  const at = (name: string, moment: number | null) => (moment === null ? {} : { [name]: timestampFromMs(moment) });
  return {
    resourceId: row.resource_id,
    revision: { incarnation: BigInt(row.incarnation), number: BigInt(row.number) },
    standing,
    position: standing === ChangeStanding.WAITING ? position : 0,
    batchId: row.batch_id ?? '',
    ...at('receivedAt', row.received_ms),
    ...at('batchStartedAt', row.batch_ms),
    ...at('settledAt', row.settled_ms),
    ...at('savedAt', row.saved_ms),
    ...(eta === undefined ? {} : { etaMs: Math.round(eta) }),
  };
}
