import { groupsWhere, type Permitted, requirePermission } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import type { Fragment } from '../../domain/changes/fragment.ts';
import type { Cause } from '../../domain/changes/verdict.ts';
import type { ConfigPath, ConfigTree } from '../../domain/config-tree.ts';
import { keyOfPath } from '../../domain/config-tree.ts';
import { dialectFor } from '../../domain/dialects/dialect.ts';
import type { EntryKind } from '../../domain/history/history-entry.ts';
import { type LineOperation, operationsBetween, operationsOf } from '../../domain/history/line-operations.ts';
import type { ConfigNode } from '../../domain/normal-tree.ts';

/** What is asked of lines: those to which all that is there applies. */
export interface LineQuestion {
  readonly path?: ConfigPath;
  readonly ruleNumber?: number;
  readonly port?: number;
  readonly protocol?: 'tcp' | 'udp';
  readonly externalIp?: string;
  readonly address?: string;
  readonly mappingName?: string;
  readonly macAddress?: string;
}

/** Where a line or its last change comes from. */
export interface LineOrigin {
  readonly id: string;
  readonly number: bigint;
  readonly kind: EntryKind;
  readonly at: Date;
  readonly causes: readonly Cause[];
}

/** A line as it is stored. */
export interface KnownLine {
  readonly key: string;
  /** Empty: somebody else's. */
  readonly resourceId: string;
  readonly ownerGroup: string;
  /** Undefined: it is missing. */
  readonly content: ConfigNode | undefined;
  /** What its resource shall have. */
  readonly applied: Fragment | undefined;
  readonly put: LineOrigin;
  readonly changed: LineOrigin;
  readonly ruleNumber: number;
  readonly mappingName: string;
}

export interface LineFinder {
  /** At most 100, by path; only those of VMs of these groups unless it does not matter whose they are. Throws ROUTER_UNKNOWN. */
  find(
    router: string,
    question: LineQuestion,
    groups: 'all' | readonly string[],
  ): Promise<{ readonly lines: readonly KnownLine[]; readonly version: string; readonly lookedAt: Date | undefined }>;
}

/** A line with what it should be. */
export interface ExplainedLine extends KnownLine {
  readonly standing: readonly LineOperation[];
  readonly expected: readonly LineOperation[];
  readonly asExpected: boolean;
}

/** Whose lines are and why. A principal that may not see routers is told of the lines of its groups' VMs alone, and of others as if there were none. */
export async function explainLines(
  deps: { readonly lines: LineFinder },
  principal: Permitted | undefined,
  router: string,
  question: LineQuestion,
): Promise<{ readonly lines: readonly ExplainedLine[]; readonly lookedAt: Date | undefined }> {
  requirePermission(principal, 'routers:read');
  const groups = groupsWhere(principal ?? { permissions: [] }, 'routers:read');
  const { lines, version, lookedAt } = await deps.lines.find(router, question, groups);
  if (lines.length === 0 && groups !== 'all') {
    throw new DomainError('not_found', 'LINE_UNKNOWN', 'No line of a VM of yours is like that.');
  }
  return { lines: lines.map((line) => explained(line, version)), lookedAt };
}

function explained(line: KnownLine, version: string): ExplainedLine {
  const { key, resourceId, content, applied } = line;
  const expected = applied && dialectFor(version)?.contentOf(applied).get(key);
  const stands = content === undefined ? {} : { before: { resourceId, content } };
  const wanted = expected === undefined ? {} : { after: { resourceId, content: expected satisfies ConfigTree } };
  const isOurs = resourceId !== '';
  return {
    ...line,
    standing: content === undefined ? [] : operationsOf([{ key, resourceId, content }]),
    expected: expected === undefined ? [] : operationsOf([{ key, resourceId, content: expected }]),
    asExpected: !isOurs || operationsBetween([{ key, ...stands, ...wanted }]).length === 0,
  };
}

/** The keys of the lines that a place is in or is, and the span of those below it: from `from` to before `to`, by their bytes. */
export const keysAround = (
  path: ConfigPath,
): { readonly within: readonly string[]; readonly from: string; readonly to: string } => ({
  within: path.map((_, at) => keyOfPath(path.slice(0, at + 1))),
  from: `${keyOfPath(path)}\n`,
  to: `${keyOfPath(path)}\u000b`,
});
