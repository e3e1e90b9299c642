import { createHash } from 'node:crypto';
import type { OwnedContent } from '../../domain/changes/plan.ts';
import type { ConfigTree } from '../../domain/config-tree.ts';
import { foreignLines, ownedLines } from '../../domain/history/config-line.ts';
import type { SeenLines } from '../router-ledger.ts';
import type { RouterSession } from '../session/session.ts';

/** What a look showed, as far as the history cares. */
interface Shown {
  /** Others' part. */
  readonly foreign: ConfigTree;
  /** What stands of each resource. */
  readonly standing: ReadonlyMap<string, OwnedContent>;
}

/**
 * Enters into the history what a look shows and what no commit of ours did. Called once the ground is taken. Only what may differ from the
 * history is handed on: everything with the first look of a session and when others' part has changed (a line may have passed to or from
 * them), otherwise the resources that do not stand as they are applied, or did not at the last look.
 */
export async function recordSeen(session: RouterSession, { foreign, standing }: Shown): Promise<void> {
  const last = session.lastSeen;
  const differing = new Set(session.ground?.differences.keys() ?? []);
  const lines = foreignLines(foreign);
  const digest = createHash('sha256').update(JSON.stringify(lines)).digest('base64');
  const isSame = last?.foreign === digest && session.upgrade === undefined; // an upgrade may have rewritten any line
  const resources = isSame ? [...new Set([...differing, ...last.differing])] : [...standing.keys()];
  if (!isSame || resources.length > 0) {
    const owned = resources.flatMap((id) => ownedLines(id, standing.get(id) ?? new Map()));
    const seen: SeenLines = isSame
      ? { lines: owned, completeFor: resources, differing }
      : { lines: [...lines, ...owned], completeFor: undefined, differing, upgrade: session.upgrade };
    await session.parts.ledger.recordSeen(seen);
  }
  session.upgrade = undefined;
  session.lastSeen = { foreign: digest, differing };
}
