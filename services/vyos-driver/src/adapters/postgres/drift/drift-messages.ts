import {
  ConfigVerb,
  type DriftItemSchema,
  DriftKind,
  DriftPolicy,
  DriftState,
  RouterDriftChangedSchema,
  streams,
  subjects,
} from '@berth/contracts';
import { eventMessage, type OutgoingMessage } from '@berth/messaging';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { planChanges } from '../../../domain/changes/plan-changes.ts';
import { type ConfigTree, pathOfKey } from '../../../domain/config-tree.ts';
import type { DriftKind as Kind, DriftPolicy as Policy } from '../../../domain/drift/drift.ts';

/** A row of `drift_items`. Moments in milliseconds since 1970. */
export interface DriftRow {
  readonly id: string;
  readonly path: string;
  readonly resource_id: string;
  readonly kind: Kind;
  readonly expected: ConfigTree | null;
  readonly found: ConfigTree | null;
  readonly changed_after_ms: number | null;
  readonly first_seen_ms: number;
  readonly last_seen_ms: number;
  readonly state: 'open' | 'repaired' | 'accepted' | 'gone';
  readonly ended_ms: number | null;
  readonly policy: Policy;
  readonly repairing: boolean;
  readonly contested: boolean;
  readonly note: string;
}

const ms = (column: string, name: string) => `round(extract(epoch FROM ${column}) * 1000)::float8 AS ${name}`;

export const driftColumns = `id, path, resource_id, kind, expected, found, ${ms('changed_after', 'changed_after_ms')},
  ${ms('first_seen', 'first_seen_ms')}, ${ms('last_seen', 'last_seen_ms')}, state, ${ms('ended_at', 'ended_ms')},
  policy, repairing, contested, note`;

export const kindOnWire: Record<Kind, DriftKind> = {
  added: DriftKind.ADDED,
  deleted: DriftKind.DELETED,
  updated: DriftKind.UPDATED,
};
export const policyOnWire: Record<Policy, DriftPolicy> = {
  report: DriftPolicy.REPORT,
  repair: DriftPolicy.REPAIR,
  accept: DriftPolicy.ACCEPT,
};
const stateOnWire: Record<DriftRow['state'], DriftState> = {
  open: DriftState.OPEN,
  repaired: DriftState.REPAIRED,
  accepted: DriftState.ACCEPTED,
  gone: DriftState.GONE,
};

const moment = <K extends string>(name: K, at: number | null) =>
  (at === null ? {} : { [name]: timestampFromMs(at) }) as { [key in K]?: ReturnType<typeof timestampFromMs> };

const contentOf = (path: string, tree: ConfigTree | null): ReadonlyMap<string, ConfigTree> =>
  new Map(tree === null ? [] : [[path, tree]]);

/** What VyOS's API tells of who made a change: nothing. */
const unknownHand = 'unknown: a person or another program on the router';

export function driftItemOf(row: DriftRow): MessageInitShape<typeof DriftItemSchema> {
  const [from, to] = [contentOf(row.path, row.found), contentOf(row.path, row.expected)];
  const { operations } = planChanges([{ resourceId: row.resource_id, from, to }]);
  return {
    id: row.id,
    path: [...pathOfKey(row.path)],
    resourceId: row.resource_id,
    kind: kindOnWire[row.kind],
    expectedJson: row.expected === null ? '' : JSON.stringify(row.expected),
    foundJson: row.found === null ? '' : JSON.stringify(row.found),
    repair: operations.map(({ op, path }) => ({
      verb: op === 'set' ? ConfigVerb.SET : ConfigVerb.DELETE,
      path: [...path],
      resourceId: row.resource_id,
    })),
    ...moment('changedAfter', row.changed_after_ms),
    firstSeenAt: timestampFromMs(row.first_seen_ms),
    lastSeenAt: timestampFromMs(row.last_seen_ms),
    changedBy: unknownHand,
    state: stateOnWire[row.state],
    ...moment('endedAt', row.ended_ms),
    policy: policyOnWire[row.policy],
    note: row.note,
    repairing: row.repairing,
    contested: row.contested,
  };
}

export type DriftNews = 'detected' | 'repaired' | 'accepted' | 'contested' | 'cleared';

const mostItems = 100;

/** The public event that tells of these. */
export const driftEvent = (
  what: DriftNews,
  router: string,
  rows: readonly DriftRow[],
  at: { readonly openItems: number; readonly nowMs: number },
): OutgoingMessage =>
  eventMessage(
    {
      stream: streams.events,
      subject: subjects.routerDrift(what, router),
      type: `berth.router.drift.${what}`,
      source: 'berth/vyos-driver',
      about: router,
    },
    RouterDriftChangedSchema,
    {
      router,
      items: rows.slice(0, mostItems).map(driftItemOf),
      count: rows.length,
      openItems: at.openItems,
      at: timestampFromMs(at.nowMs),
    },
  );
