import { IpPoolSchema, type Pool as PoolMessage, PoolSchema, PortPoolSchema, RulePoolSchema } from '@berth/contracts';
import type { FieldError } from '@berth/errors';
import { clone, create, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { invalidFields } from '../../domain/pools/validate-pool.ts';

const schemas = { ip: IpPoolSchema, port: PortPoolSchema, rule: RulePoolSchema } as const;
type ValuesCase = keyof typeof schemas;

/** Those of a pool itself that may change; `router` is here so that whoever wants to change it hears that it cannot be. */
const ownFields = ['router', 'description', 'groups', 'is_default', 'state', 'alert_thresholds'];

const isCase = (text: string): text is ValuesCase => text in schemas;

/** The paths of all fields of a pool that a mask may name, besides ip, port and rule as a whole. */
const innerFields = (kind: ValuesCase): string[] => schemas[kind].fields.map(({ name }) => `${kind}.${name}`);

/**
 * Which fields an update takes, as paths: those of the mask; without one all that are set; for `*` all that may change. Throws `invalid` for a
 * path that names nothing that can be changed.
 */
export function maskPaths(mask: readonly string[] | undefined, changes: PoolMessage): string[] {
  const given = changes.values.case;
  const all = [...ownFields, ...(given ? innerFields(given) : [])];
  if (mask === undefined || mask.length === 0) return all.filter((path) => isSet(changes, path));
  if (mask.includes('*')) return all.filter((path) => path !== 'router' || changes.router !== '');
  const known = [
    ...ownFields,
    'name',
    ...Object.keys(schemas)
      .filter(isCase)
      .flatMap((kind) => [kind, ...innerFields(kind)]),
  ];
  const wrong: FieldError[] = mask
    .filter((path) => !known.includes(path))
    .map((path) => ({ field: 'update_mask', message: `"${path.slice(0, 100)}" names nothing that can be changed` }));
  if (wrong.length > 0) throw invalidFields(wrong.slice(0, 20));
  return mask.flatMap((path) => (isCase(path) ? innerFields(path) : path));
}

function isSet(message: PoolMessage, path: string): boolean {
  const [top = '', inner] = path.split('.');
  const at = inner === undefined ? reflect(PoolSchema, message) : valuesOf(message);
  const field = at?.fields.find(({ name }) => name === (inner ?? top));
  return at !== undefined && field !== undefined && at.isSet(field);
}

const valuesOf = (message: PoolMessage) => {
  const { case: kind, value } = message.values;
  return kind && reflect<DescMessage>(schemas[kind], value);
};

/** `pool` with these fields as they are in `changes`. Throws `invalid` for fields of another kind of pool. */
export function mergePool(pool: PoolMessage, changes: PoolMessage, paths: readonly string[]): PoolMessage {
  const merged = clone(PoolSchema, pool);
  const kind = merged.values.case;
  const foreign = paths.map((path) => path.split('.')[0] ?? '').find((top) => isCase(top) && top !== kind);
  if (foreign !== undefined || (changes.values.case !== undefined && changes.values.case !== kind)) {
    const field = foreign ?? changes.values.case ?? '';
    throw invalidFields([{ field, message: `the pool holds ${kind}, and its kind never changes` }]);
  }
  for (const path of paths) {
    const [top = '', inner] = path.split('.');
    if (inner === undefined) copy(PoolSchema, merged, changes, top);
    else if (kind && merged.values.value) {
      const from = changes.values.value ?? create<DescMessage>(schemas[kind]);
      copy<DescMessage>(schemas[kind], merged.values.value, from, inner);
    }
  }
  return merged;
}

function copy<Desc extends DescMessage>(
  schema: Desc,
  to: MessageShape<Desc>,
  from: MessageShape<Desc>,
  name: string,
): void {
  const [target, source] = [reflect(schema, to), reflect(schema, from)];
  const field = source.fields.find((one) => one.name === name);
  if (field === undefined || name === 'name') return;
  if (source.isSet(field)) target.set(field, source.get(field));
  else target.clear(field);
}
