import {
  type ConfigOperation,
  ConfigVerb,
  type DriftItem,
  DriftKind,
  DriftPolicy,
  type DriftReport,
  type DriftRule,
  DriftState,
  type ForeignChanges,
  RouterState,
} from '@berth/contracts';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { type ConfigCommand, configLines, configTrees } from '../../../domain/history/config-lines.ts';
import { routerStates } from '../routers/show-router.ts';
import { showTime } from '../show-time.ts';
import type { DriftDocument, DriftItemDocument, DriftRules } from './drift-schemas.ts';

const kinds: Record<DriftKind, DriftItemDocument['kind']> = {
  [DriftKind.UNSPECIFIED]: 'updated',
  [DriftKind.ADDED]: 'added',
  [DriftKind.DELETED]: 'deleted',
  [DriftKind.UPDATED]: 'updated',
};
const states: Record<DriftState, DriftItemDocument['state']> = {
  [DriftState.UNSPECIFIED]: 'open',
  [DriftState.OPEN]: 'open',
  [DriftState.REPAIRED]: 'repaired',
  [DriftState.ACCEPTED]: 'accepted',
  [DriftState.GONE]: 'gone',
};
const policies: Record<DriftPolicy, DriftItemDocument['policy']> = {
  [DriftPolicy.UNSPECIFIED]: 'report',
  [DriftPolicy.REPORT]: 'report',
  [DriftPolicy.REPAIR]: 'repair',
  [DriftPolicy.ACCEPT]: 'accept',
};

const maybeTime = (time: Timestamp | undefined): string | null => (time === undefined ? null : showTime(time));

const toCommand = ({ verb, path }: ConfigOperation): ConfigCommand => ({
  op: verb === ConfigVerb.DELETE ? 'delete' : 'set',
  path,
});

/** A report without items. */
export const showCounts = ({ added, deleted, updated, noChange }: DriftReport): DriftDocument['report'] => ({
  added,
  deleted,
  updated,
  no_change: noChange,
});

const showForeign = ({ after, seenAt, added, deleted, updated, changes }: ForeignChanges) => ({
  after: showTime(after),
  seen_at: showTime(seenAt),
  added,
  deleted,
  updated,
  changes: changes.map(({ path, kind }) => ({ path: path.join(' '), kind: kinds[kind] })),
});

/** In these it is asked nothing, or answers nothing. */
const silent: readonly RouterState[] = [
  RouterState.UNSPECIFIED,
  RouterState.UNREACHABLE,
  RouterState.BREAKER_OPEN,
  RouterState.DISABLED,
];

/** Nobody knows whether a router is clean that does not answer now. */
function statusOf({ lookedAt, openItems, routerState }: DriftReport): DriftDocument['status'] {
  if (lookedAt === undefined) return 'never_checked';
  if (openItems > 0) return 'drifted';
  return silent.includes(routerState) ? 'unknown' : 'clean';
}

/** A router's drift, with a page of items. */
export function showDrift(report: DriftReport, items: readonly DriftItem[], nextPageToken: string): DriftDocument {
  const { lookedAt, openItems, foreignChanges } = report;
  return {
    router: report.router,
    status: statusOf(report),
    router_state: routerStates[report.routerState],
    checked_at: maybeTime(lookedAt),
    age_seconds: lookedAt === undefined ? null : Number(report.ageMs) / 1_000,
    cost_ms: report.costMs,
    under_way: report.underWay,
    report: showCounts(report),
    open: openItems,
    repairing: report.repairing,
    unsaved_commits: Number(report.unsavedCommits),
    foreign_changes: foreignChanges === undefined ? null : showForeign(foreignChanges),
    items: items.map(showItem),
    next_cursor: nextPageToken || null,
  };
}

function showItem(item: DriftItem): DriftItemDocument {
  const commands = item.repair.map(toCommand);
  return {
    id: item.id,
    path: item.path.join(' '),
    vm_id: item.resourceId,
    kind: kinds[item.kind],
    state: states[item.state],
    expected: item.expectedJson === '' ? null : JSON.parse(item.expectedJson),
    found: item.foundJson === '' ? null : JSON.parse(item.foundJson),
    repair: { lines: configLines(commands), ...configTrees(commands) },
    changed_after: maybeTime(item.changedAfter),
    first_seen_at: showTime(item.firstSeenAt),
    last_seen_at: showTime(item.lastSeenAt),
    changed_by: item.changedBy,
    policy: policies[item.policy],
    repairing: item.repairing,
    contested: item.contested,
    ended_at: maybeTime(item.endedAt),
    note: item.note || null,
  };
}

export const showRules = (rules: readonly DriftRule[]): DriftRules => ({
  policies: rules.map(({ path, policy }) => ({ path: path.join(' '), policy: policies[policy] })),
});

const policyOf: Record<DriftItemDocument['policy'], DriftPolicy> = {
  report: DriftPolicy.REPORT,
  repair: DriftPolicy.REPAIR,
  accept: DriftPolicy.ACCEPT,
};

export const toRules = ({ policies: rules }: DriftRules) =>
  rules.map(({ path, policy }) => ({
    path: path.split(/\s+/).filter((word) => word !== ''),
    policy: policyOf[policy],
  }));
