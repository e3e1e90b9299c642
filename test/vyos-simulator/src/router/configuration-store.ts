import { type CommitResult, Committer, type Refusal } from '../domain/commit.ts';
import { Branch, cloneBranch, cloneNode, nodeAt, type Path } from '../domain/config-tree.ts';
import { EditSession, type NetChange } from '../domain/edit-session.ts';
import { sizeOf, systemView } from '../domain/system-view.ts';
import type { Profile } from '../profile/profile.ts';

/** One operation of a batch. A value, if any, already stands at the end of the path. */
export type Edit = { readonly op: string; readonly path: Path; readonly comment?: string };

/** The running and the saved configuration of one router, and the only way to change them. */
export class ConfigurationStore {
  readonly running: Branch;
  readonly #profile: Profile;
  readonly #committer: Committer;
  #saved: Branch;
  /** Changes committed since the last save, oldest first: saving costs as much as has changed. */
  #unsaved: NetChange[] = [];

  /** `hardware`: the interfaces that are there whatever is configured. */
  constructor(profile: Profile, config: Branch, hardware: ReadonlySet<string>) {
    this.#profile = profile;
    this.running = config;
    this.#saved = cloneBranch(config);
    const view = (changes: readonly NetChange[]) => systemView(this.running, hardware, changes);
    this.#committer = new Committer(this.running, profile.components, profile.wrapErrorsAt, view);
  }

  get saved(): Branch {
    return this.#saved;
  }

  get size(): { readonly rules: number; readonly mappings: number } {
    return sizeOf(this.running);
  }

  startSession(): EditSession {
    return new EditSession(this.running, this.#profile.schema, this.#profile.validatorsPrint);
  }

  commit(session: EditSession, changes: readonly NetChange[], refuse?: Refusal): CommitResult {
    const result = this.#committer.commit(session, changes, refuse);
    const isKept = ({ path }: NetChange): boolean =>
      !result.failed.some((owner) => isBelow(path, owner) || isBelow(owner, path));
    for (const change of changes) {
      if (isKept(change)) this.#unsaved.push(asLanded(this.running, change));
      else
        for (const { owner } of result.committed)
          if (isBelow(owner, change.path)) this.#unsaved.push(asLanded(this.running, { ...change, path: owner }));
    }
    return result;
  }

  /** Makes the saved configuration what is running now. */
  save(): void {
    for (const { path, after } of this.#unsaved) {
      const parent = branchFor(this.#saved, path.slice(0, -1));
      if (after === undefined) parent.children.delete(path.at(-1) ?? '');
      else parent.children.set(path.at(-1) ?? '', cloneNode(after));
    }
    this.#unsaved = [];
  }

  /** What a reboot does: what was not saved is gone. */
  reloadSaved(): void {
    this.replaceRunning(this.#saved);
    this.#unsaved = [];
  }

  /** Replaces what is running as a whole, without verifying it (a boot). */
  replaceRunning(config: Branch): void {
    this.running.children.clear();
    for (const [name, node] of cloneBranch(config).children) this.running.children.set(name, node);
    this.#committer.forget();
  }
}

const isBelow = (path: Path, owner: Path): boolean => owner.every((name, at) => path[at] === name);

/** The change with a copy of what is there now, as later commits edit the tree in place. */
function asLanded(running: Branch, change: NetChange): NetChange {
  const node = nodeAt(running, change.path);
  return { path: change.path, before: undefined, after: node === undefined ? undefined : cloneNode(node) };
}

function branchFor(root: Branch, path: Path): Branch {
  let branch = root;
  for (const name of path) {
    const next = branch.children.get(name);
    const below = next instanceof Branch ? next : new Branch();
    if (below !== next) branch.children.set(name, below);
    branch = below;
  }
  return branch;
}
