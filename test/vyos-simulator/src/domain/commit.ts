import {
  acceptsEverything,
  type ComponentRow,
  type ConfigScript,
  type Finding,
  isAboveOwners,
  isDeleted,
  ownerOf,
  type SystemView,
} from './component.ts';
import { Branch, type ConfigNode, type Path } from './config-tree.ts';
import type { EditSession, NetChange } from './edit-session.ts';
import { fill } from './wrap-text.ts';

/** What became of a commit. Components that passed stay, also when others failed. */
export type CommitResult = {
  readonly committed: readonly { readonly owner: Path; readonly row: ComponentRow | undefined }[];
  readonly failed: readonly Path[];
  /** What the scripts printed: warnings, errors, and the line "Commit failed" when any component failed. */
  readonly output: string;
};

/** Refuses a component although its script passed it: the text, or undefined to let it pass. */
export type Refusal = (owner: Path) => string | undefined;

type Component = { readonly owner: Path; readonly row: ComponentRow | undefined; readonly changes: NetChange[] };

/** Commits the edits of sessions, component by component, in order of priority, as vyatta-cfg's my_commit does. */
export class Committer {
  readonly #root: Branch;
  readonly #rows: readonly ComponentRow[];
  readonly #scripts = new Map<ComponentRow, ConfigScript>();
  readonly #fallback = acceptsEverything();
  readonly #wrapErrorsAt: number;
  readonly #system: (changes: readonly NetChange[]) => SystemView;

  constructor(
    root: Branch,
    rows: readonly ComponentRow[],
    wrapErrorsAt: number,
    system: (changes: readonly NetChange[]) => SystemView,
  ) {
    this.#root = root;
    this.#rows = rows;
    this.#wrapErrorsAt = wrapErrorsAt;
    this.#system = system;
    for (const row of rows) this.#scripts.set(row, row.script());
  }

  /** Commits what is left in the session; failed components are undone in it. Call it with changes only. */
  commit(session: EditSession, changes: readonly NetChange[], refuse: Refusal = () => undefined): CommitResult {
    const committed: { owner: Path; row: ComponentRow | undefined }[] = [];
    const failed: Path[] = [];
    let output = '';
    for (const component of this.#inOrder(changes)) {
      const title = component.owner.join(' ');
      const deleted = isDeleted(this.#root, component.owner);
      const finding = this.#verify(component, changes, deleted, refuse);
      if (component.row?.words !== 'hidden') output += blockOf(title, finding, this.#wrapErrorsAt);
      if (component.row?.words === 'shown with a blank line' && finding.error !== undefined) output += '\n';
      if (finding.error === undefined) committed.push({ owner: component.owner, row: component.row });
      else {
        session.undo(component.owner);
        this.#forgetScripts(component.row);
        failed.push(component.owner);
        output += deleted ? `delete [ ${title} ] failed\n` : `[[${title}]] failed\n`;
      }
    }
    return { committed, failed, output: failed.length > 0 ? `${output}Commit failed\n` : output };
  }

  /** To be called when the configuration was replaced as a whole. */
  forget(): void {
    for (const script of this.#scripts.values()) script.forget();
  }

  /** What a script remembers may rest on the changes that were just undone. */
  #forgetScripts(row: ComponentRow | undefined): void {
    const paths = [row?.path, ...(row?.dependents ?? []).map(({ path }) => path)].map((path) => path?.join(' '));
    for (const [candidate, script] of this.#scripts) if (paths.includes(candidate.path.join(' '))) script.forget();
  }

  #verify(component: Component, changes: readonly NetChange[], deleted: boolean, refuse: Refusal): Finding {
    const view = { proposed: this.#root, changes, system: this.#system(changes) };
    const own = (component.row && !deleted ? this.#scripts.get(component.row) : undefined) ?? this.#fallback;
    const refused = refuse(component.owner);
    const finding = own.verify(view, component.owner);
    if (finding.error !== undefined) return finding;
    if (refused !== undefined) return { warnings: finding.warnings, error: refused };
    const warnings = [...finding.warnings];
    for (const dependent of component.row?.dependents ?? []) {
      const row = this.#rows.find((candidate) => candidate.path.join(' ') === dependent.path.join(' '));
      if (row === undefined || isDeleted(this.#root, row.path)) continue;
      if (isDeleted(this.#root, dependent.when) && !changes.some(({ path }) => isAlong(path, dependent.when))) continue;
      const again = this.#scripts.get(row)?.verify(view, row.path);
      warnings.push(...(again?.warnings ?? []));
      if (again?.error !== undefined) return { warnings, error: again.error };
    }
    return { warnings };
  }

  #inOrder(changes: readonly NetChange[]): Component[] {
    const components = new Map<string, Component>();
    for (const change of changes.flatMap((one) => this.#toldApart(one))) {
      const { owner, row } = ownerOf(change.path, this.#rows);
      const key = owner.join('\0');
      const component = components.get(key) ?? { owner, row, changes: [] };
      component.changes.push(change);
      components.set(key, component);
    }
    const rank = ({ owner, row }: Component): number =>
      (isDeleted(this.#root, owner) ? -1_000_000 : 0) + (row?.priority ?? 900);
    return [...components.values()].sort((left, right) => rank(left) - rank(right));
  }

  /** A change above owner nodes ("service") as changes of each of them. */
  #toldApart(change: NetChange): NetChange[] {
    if (!isAboveOwners(change.path, this.#rows)) return [change];
    const names = new Set([...childNames(change.before), ...childNames(change.after)]);
    if (names.size === 0) return [change];
    return [...names].flatMap((name) =>
      this.#toldApart({
        path: [...change.path, name],
        before: childOf(change.before, name),
        after: childOf(change.after, name),
      }),
    );
  }
}

const childNames = (node: ConfigNode | undefined): Iterable<string> =>
  node instanceof Branch ? node.children.keys() : [];
const childOf = (node: ConfigNode | undefined, name: string): ConfigNode | undefined =>
  node instanceof Branch ? node.children.get(name) : undefined;
/** True when one of the paths leads to the other. */
const isAlong = (left: Path, right: Path): boolean =>
  left.slice(0, Math.min(left.length, right.length)).every((name, at) => name === right[at]);

/** One component's part of the output; silent when there is nothing to say. Warnings are wrapped at 70, see `fill`. */
function blockOf(title: string, finding: Finding, wrapErrorsAt: number): string {
  if (finding.warnings.length === 0 && finding.error === undefined) return '';
  const warnings = finding.warnings.map((warning) => `\n${fill(`WARNING: ${warning}`, 70)}\n\n`).join('');
  const ending = finding.error === undefined ? '\n' : `${fill(finding.error, wrapErrorsAt)}\n`;
  return `[ ${title} ]\n${warnings}${ending}`;
}
