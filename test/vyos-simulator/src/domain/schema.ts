import type { ValidatorName } from './validators.ts';

/** One check that a value may pass, by the name of the router's validator program, with its argument if it takes one. */
export type ValidatorUse = readonly [ValidatorName] | readonly [ValidatorName, string];

/** A value passes when one of its patterns (written with ^ and $) or validators accepts it, as in `<constraint>` of the router's XML. */
export type Constraint = {
  readonly patterns?: readonly RegExp[];
  /** In the order of the XML; the router runs and prints them the other way round. */
  readonly validators?: readonly ValidatorUse[];
  /** `<constraintErrorMessage>`; "Invalid value" when there is none. */
  readonly message?: string;
};

export type SchemaChildren = { readonly [name: string]: SchemaNode };
export type ContainerSchema = { readonly kind: 'container'; readonly children: SchemaChildren };
export type TagSchema = { readonly kind: 'tag'; readonly constraint: Constraint; readonly children: SchemaChildren };
export type LeafSchema = { readonly kind: 'leaf'; readonly multi: boolean; readonly constraint: Constraint };
export type ValuelessSchema = { readonly kind: 'valueless' };
/** An instance of a tag node ("rule 5"); not written in tables, only met while walking a path. */
export type InstanceSchema = { readonly kind: 'instance'; readonly children: SchemaChildren };

export type SchemaNode = ContainerSchema | TagSchema | LeafSchema | ValuelessSchema | InstanceSchema;

const anything: Constraint = {};

export const container = (children: SchemaChildren): ContainerSchema => ({ kind: 'container', children });
export const tag = (constraint: Constraint, children: SchemaChildren): TagSchema => ({
  kind: 'tag',
  constraint,
  children,
});
export const leaf = (constraint: Constraint = anything): LeafSchema => ({ kind: 'leaf', multi: false, constraint });
export const multiLeaf = (constraint: Constraint = anything): LeafSchema => ({ kind: 'leaf', multi: true, constraint });
export const valueless: ValuelessSchema = { kind: 'valueless' };

/** The schema of what stands below `name` under this node, or undefined when the schema has no such node. */
export function childSchema(schema: SchemaNode | undefined, name: string): SchemaNode | undefined {
  if (schema === undefined) return undefined;
  if (schema.kind === 'tag') return { kind: 'instance', children: schema.children };
  if (schema.kind === 'container' || schema.kind === 'instance') {
    return Object.hasOwn(schema.children, name) ? schema.children[name] : undefined;
  }
  return undefined;
}
