import {
  ConfigVerb,
  ConflictKind,
  groupsWhere,
  PlanChangesResponseSchema,
  type PlannedChange,
  PlanService,
  requirePermission,
} from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { type Bus, serve } from '@berth/messaging';
import { create, toBinary } from '@bufbuild/protobuf';
import { fragmentOf } from '../../domain/changes/check-fragment.ts';
import type { Conflict } from '../../domain/changes/verdict.ts';
import {
  type ForeseenConflict,
  foreseeChanges,
  type OwnOperation,
  type WishedChange,
} from '../../domain/plans/foresee-changes.ts';
import type { PostgresPlanGrounds } from '../postgres/plans/postgres-plan-grounds.ts';

/** An answer that is larger does not fit into a message. */
const mostBytes = 900_000;

const conflictKinds: Record<Conflict['kind'], ConflictKind> = {
  address: ConflictKind.ADDRESS,
  mac: ConflictKind.MAC,
  mapping_name: ConflictKind.MAPPING_NAME,
  rule_number: ConflictKind.RULE_NUMBER,
  port: ConflictKind.PORT,
};

/** Answers what changes would do, on any replica and without asking a router. Gives back its stop. */
export const servePlans = (bus: Bus, grounds: PostgresPlanGrounds): (() => Promise<void>) =>
  serve(bus, PlanService.method.planChanges, async ({ principal, router, changes }) => {
    requirePermission(principal, 'vms:write');
    const wishes = changes.map(toWish);
    const groups = groupsWhere(principal ?? { permissions: [] }, 'vms:write');
    const ground = await grounds.read(router, wishes, groups);
    const { operations, inverse, conflicts, ...rest } = foreseeChanges(ground, wishes);
    const answer = create(PlanChangesResponseSchema, {
      ...rest,
      operations: operations.map(toMessage),
      inverse: inverse.map(toMessage),
      conflicts: conflicts.map(toConflict),
    });
    if (toBinary(PlanChangesResponseSchema, answer).length <= mostBytes) return answer;
    const text = `That are ${operations.length} operations, more than one plan holds: plan fewer changes at once.`;
    throw new DomainError('too_large', 'PLAN_TOO_LARGE', text);
  });

function toWish({ resourceId, desired, adopts }: PlannedChange): WishedChange {
  const fragment = desired && fragmentOf(desired);
  if (fragment && 'problem' in fragment) throw new DomainError('invalid', 'CHANGE_INVALID', fragment.problem);
  return { resourceId, desired: fragment, adopts };
}

const toMessage = ({ op, path, resourceId }: OwnOperation) => ({
  verb: op === 'set' ? ConfigVerb.SET : ConfigVerb.DELETE,
  path: [...path],
  resourceId,
});

const toConflict = ({ resourceId, conflict, text }: ForeseenConflict) => ({
  resourceId,
  conflict: { ...conflict, kind: conflictKinds[conflict.kind] },
  message: text,
});
