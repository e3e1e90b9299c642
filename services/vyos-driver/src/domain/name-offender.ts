import type { ConfigureOutcome } from './answer.ts';
import type { ConfigTree } from './config-tree.ts';
import type { OwnedContent } from './plan.ts';

/** Whom a refusal names. */
export interface Offenders {
  readonly resourceIds: readonly string[];
  /** It names something that no resource of the batch has. */
  readonly namesStranger: boolean;
}

export function resourcesNamed(
  _outcome: ConfigureOutcome,
  _contents: ReadonlyMap<string, OwnedContent>,
  _router?: { readonly config: ConfigTree; readonly ownedKeys: ReadonlySet<string> },
): Offenders {
  throw new Error('not yet');
}

export function clashesWith(
  _config: ConfigTree,
  _ownedKeys: ReadonlySet<string>,
  _content: OwnedContent,
): string | undefined {
  throw new Error('not yet');
}
