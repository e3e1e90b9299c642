import { type Branch, nodeAt, type Path } from './config-tree.ts';
import type { NetChange } from './edit-session.ts';

/** What a configuration script found: warnings are printed, an error refuses the component's whole change. */
export type Finding = { readonly warnings: readonly string[]; readonly error?: string };

export const nothingFound: Finding = { warnings: [] };

/** What a script may look at while one commit runs. */
export type CommitView = {
  /** The proposed configuration: running plus everything in the session that has not failed yet. */
  readonly proposed: Branch;
  /** Every change of this commit, of all components. */
  readonly changes: readonly NetChange[];
  /** Interfaces that the system has at this moment, and addresses ("a.b.c.d/len") on them. */
  readonly system: SystemView;
};

export type SystemView = { readonly interfaces: ReadonlySet<string>; readonly addresses: readonly string[] };

/**
 * A script of the router (`conf_mode/*.py`) that verifies and applies one owner node. Kept for the life of a
 * configuration, so it may remember what it has verified; `forget` is called when the configuration is replaced.
 */
export interface ConfigScript {
  verify(view: CommitView, owner: Path): Finding;
  forget(): void;
}

/** One row of a profile's table of owner nodes. `*` in the path stands for any instance of a tag node. */
export type ComponentRow = {
  readonly path: readonly string[];
  /** Lower is committed earlier. */
  readonly priority: number;
  readonly script: () => ConfigScript;
  /**
   * What becomes of the script's words. `hidden`: run by vyos-configd, whose output the API of 1.3 and 1.4 loses (T6326);
   * `shown with a blank line`: scripts that 1.3 runs by themselves. Default: shown.
   */
  readonly words?: 'hidden' | 'shown with a blank line';
  /** Scripts run again, in this component's name, after it is applied (vyos.configdep). */
  readonly dependents?: readonly { readonly when: readonly string[]; readonly path: readonly string[] }[];
};

/** A script for parts of the tree that are stored but not verified. */
export const acceptsEverything = (): ConfigScript => ({ verify: () => nothingFound, forget: () => undefined });

/** The owner node that this changed path belongs to: a row's path with its `*` filled in, or the first two names. */
export function ownerOf(path: Path, rows: readonly ComponentRow[]): { owner: Path; row: ComponentRow | undefined } {
  const row = rows.find((candidate) =>
    candidate.path.every((name, at) => (name === '*' ? path[at] !== undefined : path[at] === name)),
  );
  return { owner: path.slice(0, row === undefined ? 2 : row.path.length), row };
}

/** True when the rows' owner nodes lie deeper than this path, so one change must be told apart into several. */
export function isAboveOwners(path: Path, rows: readonly ComponentRow[]): boolean {
  return rows.some(
    (row) => row.path.length > path.length && path.every((name, at) => row.path[at] === name || row.path[at] === '*'),
  );
}

export const isDeleted = (root: Branch, owner: Path): boolean => nodeAt(root, owner) === undefined;
