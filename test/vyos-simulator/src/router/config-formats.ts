import type { OrderedJson } from '../domain/config-json.ts';
import { asRead, type Branch, type ConfigNode, Leaf, type Path, sortedChildren } from '../domain/config-tree.ts';
import { childSchema, type SchemaNode } from '../domain/schema.ts';

/** The curly-brace text of `showConfig` with `configFormat: raw`. `at` is the path of the node within the schema. */
export function toRaw(node: ConfigNode, root: SchemaNode, at: Path): string {
  return node instanceof Leaf ? '' : rawLines(node, schemaOf(root, at), 1).join('');
}

function rawLines(branch: Branch, schema: SchemaNode | undefined, depth: number): string[] {
  const indent = ' '.repeat((depth - 1) * 4 + 1);
  return sortedChildren(branch).flatMap(([name, child]) => {
    const below = childSchema(schema, name);
    if (child instanceof Leaf) return rawLeaf(name, child, indent);
    if (below?.kind !== 'tag') return block(name, child, below, indent, depth);
    return sortedChildren(child).flatMap(([instance, node]) =>
      node instanceof Leaf ? [] : block(`${name} ${instance}`, node, childSchema(below, instance), indent, depth),
    );
  });
}

function block(title: string, branch: Branch, schema: SchemaNode | undefined, indent: string, depth: number): string[] {
  const comment = branch.comment === undefined ? [] : [`${indent}/* ${branch.comment} */\n`];
  return [...comment, `${indent}${title} {\n`, ...rawLines(branch, schema, depth + 1), `${indent}}\n`];
}

function rawLeaf(name: string, leaf: Leaf, indent: string): string[] {
  if (leaf.values.length === 0) return [`${indent}${name}\n`];
  return leaf.values.map((value) => `${indent}${name} ${quoted(asRead(value))}\n`);
}

function quoted(value: string): string {
  return /^[-\w./:]+$/.test(value) ? value : `"${value.replaceAll('\\', '\\\\')}"`;
}

/** The tree of `showConfig` with `configFormat: json_ast` (vyos1x-config). */
export function toAst(node: ConfigNode, root: SchemaNode, at: Path): OrderedJson {
  return node instanceof Leaf ? null : astNode('', node, schemaOf(root, at), false);
}

function astNode(name: string, node: ConfigNode, schema: SchemaNode | undefined, tag: boolean): OrderedJson {
  const values = node instanceof Leaf ? node.values.map(asRead) : [];
  const comment = node instanceof Leaf ? null : (node.comment ?? null);
  const children =
    node instanceof Leaf
      ? []
      : sortedChildren(node).map(([childName, child]) => {
          const below = childSchema(schema, childName);
          return astNode(childName, child, below, below?.kind === 'tag');
        });
  const data = new Map<string, OrderedJson>([
    ['values', values],
    ['comment', comment],
    ['tag', tag],
    ['leaf', false],
  ]);
  return new Map<string, OrderedJson>([
    ['name', name],
    ['data', data],
    ['children', children],
  ]);
}

function schemaOf(root: SchemaNode, path: Path): SchemaNode | undefined {
  return path.reduce<SchemaNode | undefined>((schema, name) => childSchema(schema, name), root);
}

/** The configuration as `set` commands, as `/show configuration commands` lists them. */
export function toSetCommands(branch: Branch, prefix = 'set'): string[] {
  return sortedChildren(branch).flatMap(([name, child]) => {
    const path = `${prefix} ${name}`;
    if (child instanceof Leaf)
      return child.values.length === 0 ? [path] : child.values.map((value) => `${path} '${asRead(value)}'`);
    return child.children.size === 0 ? [path] : toSetCommands(child, path);
  });
}
