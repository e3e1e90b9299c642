import type { FieldError } from '@berth/errors';

/** An error as the schema compiler tells it. */
export interface SchemaError {
  readonly keyword: string;
  readonly schemaPath: string;
  /** A JSON pointer into the value. */
  readonly instancePath: string;
  readonly params: object;
  readonly message: string;
}

/** Says of each wrong field, by its path as the caller wrote it, what is wrong. `whole` stands for the value itself. */
export function toFieldErrors(errors: readonly SchemaError[], whole: string): FieldError[] {
  const found = new Map<string, string>();
  for (const error of withoutOtherBranches(errors)) {
    for (const { field, message } of explain(error)) {
      const name = field === '' ? whole : field;
      if (!found.has(name)) found.set(name, message);
    }
  }
  return [...found].map(([field, message]) => ({ field, message }));
}

/**
 * Of the alternatives of an `anyOf`, those that the value was surely not meant as say nothing useful. When exactly one has the
 * value's type, its errors stay; otherwise the `anyOf` speaks for all.
 */
function withoutOtherBranches(errors: readonly SchemaError[]): readonly SchemaError[] {
  let left = errors;
  for (const union of errors.filter(({ keyword }) => keyword === 'anyOf')) {
    const isBranch = (error: SchemaError) =>
      error.schemaPath.startsWith(`${union.schemaPath}/anyOf/`) && error.instancePath.startsWith(union.instancePath);
    const branchOf = (error: SchemaError) =>
      error.schemaPath.slice(union.schemaPath.length + '/anyOf/'.length).split('/', 1)[0];
    const inside = left.filter(isBranch);
    const otherTypes = new Set(
      inside.filter((error) => error.keyword === 'type' && error.instancePath === union.instancePath).map(branchOf),
    );
    const candidates = inside.filter((error) => !otherTypes.has(branchOf(error)));
    const one = new Set(candidates.map(branchOf)).size === 1;
    left = left.filter(
      (error) => (one ? error !== union : true) && (!isBranch(error) || (one && candidates.includes(error))),
    );
  }
  return left;
}

function explain(error: SchemaError): FieldError[] {
  const at = fieldOf(error.instancePath);
  const below = (name: string) => (at === '' ? name : `${at}.${name}`);
  const names = (list: unknown): string[] =>
    Array.isArray(list) ? list.filter((name) => typeof name === 'string') : [];
  const params: { requiredProperties?: unknown; additionalProperties?: unknown; allowedValues?: unknown } =
    error.params;
  switch (error.keyword) {
    case 'required':
      return names(params.requiredProperties).map((name) => ({ field: below(name), message: 'is required' }));
    case 'additionalProperties':
      return names(params.additionalProperties).map((name) => ({ field: below(name), message: 'is not known here' }));
    case 'boolean':
      return []; // the `additionalProperties` beside it says it better
    case 'anyOf':
      return [{ field: at, message: 'has none of the forms that it may have' }];
    case 'enum':
      return [{ field: at, message: `must be one of ${names(params.allowedValues).join(', ')}` }];
    default:
      return [{ field: at, message: error.message }];
  }
}

/** `/ports/0/internal_port` as `ports[0].internal_port`. */
function fieldOf(pointer: string): string {
  const steps = pointer.split('/').slice(1);
  return steps.reduce((path, step) => {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (/^\d+$/.test(name)) return `${path}[${name}]`;
    return path === '' ? name : `${path}.${name}`;
  }, '');
}
