import {
  type Cause,
  type Commit,
  CommitKind,
  type CommitResource,
  CommitState,
  type ConfigOperation,
  ConfigVerb,
} from '@berth/contracts';
import { type ConfigCommand, configLines, configTrees } from '../../../domain/history/config-lines.ts';
import { showTime } from '../show-time.ts';
import type { CommitDocument } from './history-schemas.ts';

export const kindWords: Record<CommitKind, CommitDocument['kind']> = {
  [CommitKind.UNSPECIFIED]: 'change',
  [CommitKind.CHANGE]: 'change',
  [CommitKind.REPAIR]: 'repair',
  [CommitKind.WAY_BACK]: 'way_back',
  [CommitKind.FOREIGN]: 'foreign',
  [CommitKind.DRIFT]: 'drift',
  [CommitKind.BASELINE]: 'baseline',
  [CommitKind.ADOPTION]: 'adoption',
  [CommitKind.ACCEPTED]: 'accepted',
  [CommitKind.UPGRADE]: 'upgrade',
};

export const stateWords: Record<CommitState, CommitDocument['state']> = {
  [CommitState.UNSPECIFIED]: 'observed',
  [CommitState.APPLIED]: 'applied',
  [CommitState.REFUSED]: 'refused',
  [CommitState.PARTIAL]: 'partial',
  [CommitState.SETTLED]: 'settled',
  [CommitState.OBSERVED]: 'observed',
};

/** An entry of the history. */
export const showCommit = (commit: Commit): CommitDocument => ({
  id: commit.id,
  number: Number(commit.number),
  router: commit.router,
  kind: kindWords[commit.kind],
  state: stateWords[commit.state],
  started_at: showTime(commit.startedAt),
  ended_at: showTime(commit.endedAt),
  duration_ms: commit.durationMs || null,
  estimate_ms: commit.estimateMs || null,
  epoch: Number(commit.epoch),
  message: commit.message,
  operations: commit.operations,
  changed_lines: commit.changedLines,
  resources: commit.resourceCount,
  principals: commit.principals,
});

export const toCommands = (operations: readonly ConfigOperation[]): ConfigCommand[] =>
  operations.map(({ verb, path }) => ({ op: verb === ConfigVerb.DELETE ? 'delete' : 'set', path }));

/** Commands, as lines and as trees. */
export function showCommands(operations: readonly ConfigOperation[]) {
  const commands = toCommands(operations);
  return { lines: configLines(commands), tree: configTrees(commands) };
}

/** The requests behind something. */
export const showCauses = (causes: readonly Cause[]) =>
  causes.map((cause) => ({
    operation_id: cause.operationId || null,
    request_id: cause.requestId || null,
    principal_id: cause.principalId || null,
    principal: cause.principalName || null,
    trace_id: cause.traceparent.split('-')[1] || null,
  }));

/** What stood before and after, resource by resource; what is nobody's of ours under the empty id. */
export function showResources(
  resources: readonly CommitResource[],
  before: readonly ConfigOperation[],
  after: readonly ConfigOperation[],
) {
  const [was, is] = [byResource(before), byResource(after)];
  const treeOf = (operations: readonly ConfigOperation[] = []) => configTrees(toCommands(operations)).set;
  return {
    by_resource: resources.map(({ resourceId, purpose, causes, becauseOf }) => ({
      vm_id: resourceId,
      purpose: kindWords[purpose],
      because_of: Number(becauseOf) || null,
      causes: showCauses(causes),
      before: treeOf(was.get(resourceId)),
      after: treeOf(is.get(resourceId)),
    })),
    others: { before: treeOf(was.get('')), after: treeOf(is.get('')) },
  };
}

const byResource = (operations: readonly ConfigOperation[]) => Map.groupBy(operations, ({ resourceId }) => resourceId);
