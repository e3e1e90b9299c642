import { refusalOfValue } from './check-value.ts';
import { Branch, type ConfigNode, equalNodes, Leaf, nodeAt, type Path } from './config-tree.ts';
import { childSchema, type LeafSchema, type SchemaNode } from './schema.ts';

/** A `set`, `delete` or `comment` that the backend refused; `message` is what the API answers, before HTML escaping. */
export class RefusedEdit extends Error {
  override readonly name = 'RefusedEdit';
}

/** One place in the tree that got another node: both may be undefined (nothing there). */
export type NetChange = {
  readonly path: Path;
  readonly before: ConfigNode | undefined;
  readonly after: ConfigNode | undefined;
};

type SlotEdit = NetChange & { readonly parent: Branch; readonly name: string };

/**
 * Uncommitted edits of a configuration tree. They are made in the tree itself and kept in a journal, so that undoing
 * costs as much as doing and nothing of a large configuration is copied.
 */
export class EditSession {
  readonly #root: Branch;
  readonly #schema: SchemaNode;
  readonly #validatorsPrint: boolean;
  #edits: SlotEdit[] = [];
  #comments: { readonly node: Branch; readonly before: string | undefined }[] = [];
  readonly #created = new Set<Branch>();

  constructor(root: Branch, schema: SchemaNode, validatorsPrint: boolean) {
    this.#root = root;
    this.#schema = schema;
    this.#validatorsPrint = validatorsPrint;
  }

  /** Sets a node or a value. Setting what is there already is no change. Throws RefusedEdit. */
  set(path: Path): void {
    const target = this.#checkSet(path);
    if (target.kind !== 'leaf') {
      this.#ensureBranches(path, target.kind === 'valueless' ? path.length - 1 : path.length);
      if (target.kind === 'valueless' && nodeAt(this.#root, path) === undefined) this.#put(path, new Leaf([]));
      return;
    }
    const leafPath = path.slice(0, -1);
    this.#ensureBranches(leafPath, leafPath.length - 1);
    this.#setValue(leafPath, path.at(-1) ?? '', target);
  }

  /** Deletes a node or a value; what is not there is no change. A tag node goes with its last instance. Throws RefusedEdit. */
  delete(path: Path): void {
    const schemaOfParent = this.#checkDelete(path);
    const name = path.at(-1) ?? '';
    const parentPath = path.slice(0, -1);
    const parent = nodeAt(this.#root, parentPath);
    if (parent instanceof Leaf) {
      if (!parent.values.includes(name)) return;
      const rest = parent.values.filter((value) => value !== name);
      this.#put(parentPath, rest.length === 0 ? undefined : new Leaf(rest));
      return;
    }
    if (parent === undefined || !parent.children.has(name)) return;
    this.#put(path, undefined);
    if (schemaOfParent?.kind === 'tag' && parent.children.size === 0) this.#put(parentPath, undefined);
  }

  /** Puts a comment on a node, or takes it away with an empty text. A comment alone makes no component commit. */
  comment(path: Path, text: string): void {
    this.#checkDelete(path, 'Comment failed\n');
    const node = nodeAt(this.#root, path);
    if (!(node instanceof Branch)) return;
    this.#comments.push({ node, before: node.comment });
    node.comment = text === '' ? undefined : text;
  }

  /** What the edits, taken together, changed; setting and deleting again is no change, and neither is a comment. */
  netChanges(): NetChange[] {
    const firstAndLast = new Map<
      string,
      { path: Path; before: ConfigNode | undefined; after: ConfigNode | undefined }
    >();
    for (const edit of this.#edits) {
      if (this.#created.has(edit.parent)) continue;
      const key = edit.path.join('\0');
      const known = firstAndLast.get(key);
      if (known === undefined) firstAndLast.set(key, { path: edit.path, before: edit.before, after: edit.after });
      else known.after = edit.after;
    }
    const topmost = [...firstAndLast.values()].filter(({ path }) => !hasTouchedAncestor(path, firstAndLast));
    this.#swapOriginals('before');
    const changes = topmost.filter(({ before, after }) => !equalNodes(before, after));
    this.#swapOriginals('after');
    return changes;
  }

  /** Puts everything back that lies at or below this path; with an empty path, all of it and the comments. */
  undo(below: Path = []): void {
    const isBelow = (path: Path): boolean => below.every((name, at) => path[at] === name);
    for (const edit of this.#edits.toReversed()) if (isBelow(edit.path)) assign(edit.parent, edit.name, edit.before);
    this.#edits = this.#edits.filter((edit) => !isBelow(edit.path));
    if (below.length > 0) return;
    for (const { node, before } of this.#comments.toReversed()) node.comment = before;
    this.#comments = [];
  }

  /** The paths of the nodes that this session made, and that no longer exist once it is undone. */
  createdPaths(): Path[] {
    return this.#edits.filter((edit) => edit.before === undefined && edit.after !== undefined).map((edit) => edit.path);
  }

  /** Undoes or redoes the edits of nodes that were there before the session; those it made itself stay as they are. */
  #swapOriginals(to: 'before' | 'after'): void {
    const edits = this.#edits.filter((edit) => !this.#created.has(edit.parent));
    for (const edit of to === 'before' ? edits.toReversed() : edits) assign(edit.parent, edit.name, edit[to]);
  }

  #checkSet(path: Path): SchemaNode {
    let schema: SchemaNode = this.#schema;
    for (const [at, name] of path.entries()) {
      if (schema.kind === 'leaf') {
        if (at !== path.length - 1) throw invalidPath(path, 'Set failed\n');
        throwIfRefused(refusalOfValue(name, schema.constraint, this.#validatorsPrint));
        return schema;
      }
      if (schema.kind === 'tag') this.#checkTagValue(path, name, schema.constraint);
      const next = childSchema(schema, name);
      if (next === undefined) throw invalidPath(path, 'Set failed\n');
      schema = next;
    }
    if (schema.kind === 'leaf' || schema.kind === 'tag') {
      throw new RefusedEdit(`Configuration path: [${path.join(' ')}] requires a value\nSet failed\n`);
    }
    return schema;
  }

  #checkTagValue(path: Path, name: string, constraint: LeafSchema['constraint']): void {
    if (name === '') throw invalidPath(path, 'Set failed\n');
    throwIfRefused(refusalOfValue(name, constraint, this.#validatorsPrint));
    if (/\s/.test(name)) throw new RefusedEdit('Tag node value name must not contain whitespace\nSet failed\n');
  }

  /** The schema of the node that holds the last part of the path. Values are not validated on deletion. */
  #checkDelete(path: Path, ending = 'Delete failed\n'): SchemaNode | undefined {
    let schema: SchemaNode | undefined = this.#schema;
    let parent: SchemaNode | undefined;
    for (const [at, name] of path.entries()) {
      parent = schema;
      const isValueOfLeaf: boolean = schema?.kind === 'leaf' && at === path.length - 1;
      schema = isValueOfLeaf ? undefined : childSchema(schema, name);
      const isKnown =
        isValueOfLeaf ||
        (schema !== undefined && name !== '') ||
        nodeAt(this.#root, path.slice(0, at + 1)) !== undefined;
      if (!isKnown) throw invalidPath(path, ending);
    }
    return parent;
  }

  #setValue(leafPath: Path, value: string, schema: LeafSchema): void {
    const present = nodeAt(this.#root, leafPath);
    const values = present instanceof Leaf ? present.values : [];
    if (values.includes(value)) return;
    this.#put(leafPath, new Leaf(schema.multi ? [...values, value] : [value]));
  }

  #ensureBranches(path: Path, length: number): void {
    let branch = this.#root;
    for (let at = 0; at < length; at += 1) {
      const name = path[at] ?? '';
      let next = branch.children.get(name);
      if (!(next instanceof Branch)) {
        next = new Branch();
        this.#created.add(next);
        this.#edit(branch, name, path.slice(0, at + 1), next);
      }
      if (next instanceof Branch) branch = next;
    }
  }

  #put(path: Path, node: ConfigNode | undefined): void {
    const parent = nodeAt(this.#root, path.slice(0, -1));
    if (parent instanceof Branch) this.#edit(parent, path.at(-1) ?? '', path, node);
  }

  #edit(parent: Branch, name: string, path: Path, after: ConfigNode | undefined): void {
    this.#edits.push({ parent, name, path, before: parent.children.get(name), after });
    assign(parent, name, after);
  }
}

function assign(parent: Branch, name: string, node: ConfigNode | undefined): void {
  if (node === undefined) parent.children.delete(name);
  else parent.children.set(name, node);
}

function hasTouchedAncestor(path: Path, touched: ReadonlyMap<string, unknown>): boolean {
  for (let length = 1; length < path.length; length += 1) {
    if (touched.has(path.slice(0, length).join('\0'))) return true;
  }
  return false;
}

function invalidPath(path: Path, ending: string): RefusedEdit {
  return new RefusedEdit(`Configuration path: [${path.join(' ')}] is not valid\n\n${ending}`);
}

function throwIfRefused(refusal: string | undefined): void {
  if (refusal !== undefined) throw new RefusedEdit(`${refusal}Set failed\n`);
}
