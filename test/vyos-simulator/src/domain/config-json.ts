import { asRead, Branch, type ConfigNode, Leaf, sortedChildren } from './config-tree.ts';
import { childSchema, type SchemaNode } from './schema.ts';

/** A JSON value whose objects are ordered maps, so that the order of the router's answers survives serialising. */
export type OrderedJson = string | number | boolean | null | readonly OrderedJson[] | ReadonlyMap<string, OrderedJson>;

/** The tree in the shape of `showConfig`: one value is a string, several a list, value-less and empty nodes are `{}`. */
export function nodeToJson(node: ConfigNode): OrderedJson {
  if (node instanceof Leaf) return leafToJson(node);
  return new Map(sortedChildren(node).map(([name, child]) => [name, nodeToJson(child)]));
}

function leafToJson(leaf: Leaf): OrderedJson {
  if (leaf.values.length === 0) return new Map();
  if (leaf.values.length === 1) return asRead(leaf.values[0] ?? '');
  return leaf.values.map(asRead);
}

/** The same as plain objects and arrays, for callers inside the process. */
export function toPlain(value: OrderedJson): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, child]) => [name, toPlain(child)]));
  if (Array.isArray(value)) return value.map(toPlain);
  return value;
}

/** A configuration document that is not in the shape of `showConfig []`. */
export class UnreadableConfiguration extends Error {
  override readonly name = 'UnreadableConfiguration';
}

/**
 * Builds a tree from the shape of `showConfig []`. Nodes that the schema does not have are kept as they are, so a
 * configuration with subtrees outside the simulator's scope can be loaded and shown.
 */
export function treeFromJson(value: unknown, schema: SchemaNode): Branch {
  const node = nodeFromJson(value, schema, '');
  if (!(node instanceof Branch)) throw new UnreadableConfiguration('a configuration must be a JSON object');
  return node;
}

function nodeFromJson(value: unknown, schema: SchemaNode | undefined, where: string): ConfigNode {
  if (typeof value === 'string') return new Leaf([value]);
  if (Array.isArray(value)) return new Leaf(value.map((item) => textOf(item, where)));
  if (typeof value !== 'object' || value === null) {
    throw new UnreadableConfiguration(`${where || 'the top'} must be a string, a list of strings or an object`);
  }
  const entries = Object.entries(value);
  if (entries.length === 0 && schema?.kind === 'valueless') return new Leaf([]);
  const branch = new Branch();
  for (const [name, child] of entries) {
    branch.children.set(name, nodeFromJson(child, childSchema(schema, name), `${where} ${name}`.trim()));
  }
  return branch;
}

function textOf(value: unknown, where: string): string {
  if (typeof value !== 'string') throw new UnreadableConfiguration(`${where} must hold strings only`);
  return value;
}
