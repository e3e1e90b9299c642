import type { OwnedContent } from '../../domain/changes/plan.ts';
import { sameContent } from '../../domain/changes/plan-changes.ts';
import { foreignChanges } from '../../domain/drift/foreign-changes.ts';
import type { Reading } from '../looks/look.ts';
import type { RouterSession } from '../session/session.ts';
import type { Difference } from '../session/session-knowledge.ts';
import type { DriftBook, DriftFindings, FoundDrift } from './drift-book.ts';
import { judgeDrift, type Occasion } from './judge-drift.ts';

const nothing: OwnedContent = new Map();

interface Judgement {
  readonly differences: Map<string, Difference>;
  readonly findings: Pick<DriftFindings, 'found' | 'unjudged' | 'unchanged'>;
}

/**
 * Judges and records what a reading shows of drift, and answers the checks that were asked for before it began. Gives back what differs, by resource. Policies
 * that are set meanwhile count: then it is judged again.
 */
export async function recordDrift(
  session: RouterSession,
  reading: Reading,
  why: Omit<Occasion, 'repairAsked'>,
): Promise<Map<string, Difference>> {
  const { ledger, metrics, name } = session.parts;
  const { asked, repairAsked, answered } = session.driftRequests;
  const occasion = { ...why, repairAsked: repairAsked > answered };
  if (occasion.repairAsked) session.repairsResting.clear();
  const foreign = session.look === undefined ? [] : foreignChanges(session.look.foreign, reading.foreign);
  for (;;) {
    const book = await ledger.driftBook();
    const { differences, findings } = judge(session, reading, book, occasion);
    const { costMs } = reading;
    const { policiesSetAt } = book;
    if (!(await ledger.recordDrift({ ...findings, costMs, foreign, answers: asked, policiesSetAt }))) continue;
    session.driftRequests = { asked, repairAsked, answered: asked };
    metrics.driftChecked(name, findings.found.length);
    return differences;
  }
}

function judge(session: RouterSession, reading: Reading, book: DriftBook, occasion: Occasion): Judgement {
  const differences = new Map<string, Difference>();
  const found: FoundDrift[] = [];
  const unjudged: string[] = [];
  let paths = 0;
  for (const resource of reading.resources) {
    const standing = reading.standing.get(resource.resourceId) ?? nothing;
    const applied = session.contentOf(resource.applied);
    paths += applied.size;
    if (sameContent(standing, applied)) continue;
    const judged = judgeDrift(session, book, occasion, { resource, standing });
    differences.set(resource.resourceId, judged.difference);
    found.push(...judged.found);
    unjudged.push(...judged.unjudged);
  }
  const differing = found.filter(({ kind }) => kind !== 'added').length;
  return { differences, findings: { found, unjudged, unchanged: Math.max(0, paths - differing - unjudged.length) } };
}
