import { nodeToJson } from '../domain/config-json.ts';
import { asRead, Branch, type ConfigNode, Leaf, nodeAt, type Path, pathExists } from '../domain/config-tree.ts';
import { childSchema, type SchemaNode } from '../domain/schema.ts';
import { type Answer, badGateway, internalError, refused, success, unknownOperation } from './answer.ts';
import { toAst, toRaw } from './config-formats.ts';
import type { RouterState } from './router-state.ts';

export type ReadRequest = { readonly op: string; readonly path: Path; readonly format: string };

const EMPTY = refused('Configuration under specified path is empty\n');
const NOT_VALID = refused('Specified configuration path is not valid\n');

/** `/retrieve`. Reads do not wait for writes; `showConfig` of what a write is changing fails meanwhile. */
export async function readConfiguration(router: RouterState, request: ReadRequest): Promise<Answer> {
  const { latency, clock, store } = router;
  const isShow = request.op === 'showConfig';
  const duration = isShow ? latency.ofRead(request.path, store.size.rules) : latency.of('existsMs', store.size.rules);
  if (duration > 0) await clock.sleep(duration);
  // All but showConfig join the path by blanks and take it apart again, so a value with a blank is never found.
  const words = request.path.flatMap((part) => part.split(/\s+/)).filter((word) => word !== '');
  switch (request.op) {
    case 'exists':
      return words.length === 0 ? crash(router) : success(pathExists(store.running, words));
    case 'returnValue':
      return success(valuesOf(nodeAt(store.running, words))[0] ?? null);
    case 'returnValues':
      return success(valuesOf(nodeAt(store.running, words)));
    case 'showConfig':
      return showConfig(router, request);
    default:
      return refused(unknownOperation(router.profile, request.op));
  }
}

/** An uncaught exception in libvyosconfig ends the process; systemd starts it again (transcript 05). */
function crash(router: RouterState): Answer {
  router.restartApi(router.latency.of('crashMs'));
  return badGateway;
}

function valuesOf(node: ConfigNode | undefined): string[] {
  return node instanceof Leaf ? node.values.map(asRead) : [];
}

function showConfig(router: RouterState, { path, format }: ReadRequest): Answer {
  const disturbed = disturbance(router, path);
  if (disturbed !== undefined) return disturbed;
  const node = nodeAt(router.store.running, path);
  const schema = schemaAt(router.profile.schema, path);
  if (node === undefined && schema === undefined) return NOT_VALID;
  if (node === undefined || isEmpty(node)) return EMPTY;
  const shown = wrapped(node, schema, path.at(-1));
  if (format === 'json') return success(nodeToJson(shown));
  if (format === 'raw') return success(toRaw(shown, router.profile.schema, shown === node ? path : path.slice(0, -1)));
  if (format === 'json_ast')
    return success(toAst(shown, router.profile.schema, shown === node ? path : path.slice(0, -1)));
  return refused(`'${format}' is not a valid config format`);
}

function isEmpty(node: ConfigNode): boolean {
  return node instanceof Branch ? node.children.size === 0 : node.values.length === 0;
}

/** A tag node and a leaf are shown with their name, everything else is shown as its content. */
function wrapped(node: ConfigNode, schema: SchemaNode | undefined, name: string | undefined): ConfigNode {
  const isNamed = node instanceof Leaf || schema?.kind === 'tag';
  if (!isNamed || name === undefined) return node;
  const around = new Branch();
  around.children.set(name, node);
  return around;
}

function schemaAt(root: SchemaNode, path: Path): SchemaNode | undefined {
  let schema: SchemaNode | undefined = root;
  for (const [at, name] of path.entries()) {
    if (schema?.kind === 'leaf' && at === path.length - 1) return schema;
    schema = childSchema(schema, name);
  }
  return schema;
}

/** While a write changes what is asked for, the dump holds diff marks that the router's own parser refuses. */
function disturbance(router: RouterState, path: Path): Answer | undefined {
  const { writing } = router;
  if (writing === undefined || !writing.paths.some((changed) => isAlong(changed, path))) return undefined;
  return writing.closing ? refused('_show_diff error (both config NULL)\n') : internalError;
}

const isAlong = (left: Path, right: Path): boolean => {
  const shared = Math.min(left.length, right.length);
  return left.slice(0, shared).every((name, at) => name === right[at]);
};
