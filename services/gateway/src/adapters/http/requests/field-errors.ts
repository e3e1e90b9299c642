import type { FieldError } from '@berth/errors';
import { formsAt, wordFor } from './schema-forms.ts';

/** An error as the schema compiler tells it. */
export interface SchemaError {
  readonly keyword: string;
  readonly schemaPath: string;
  /** A JSON pointer into the value. */
  readonly instancePath: string;
  readonly params: object;
  readonly message: string;
}

/** Says of each wrong field of a `schema`, by its path as the caller wrote it, what is wrong. `whole` stands for the value itself. */
export function toFieldErrors(errors: readonly SchemaError[], schema: object, whole: string): FieldError[] {
  const found = new Map<string, string>();
  for (const error of withoutOtherBranches(errors)) {
    for (const { field, message } of explain(error, schema)) {
      const name = field === '' ? whole : field;
      if (!found.has(name)) found.set(name, message);
    }
  }
  return [...found].map(([field, message]) => ({ field, message }));
}

/**
 * Of the alternatives of an `anyOf`, those that the value was surely not meant as say nothing useful. When exactly one was meant, its
 * errors stay; otherwise the `anyOf` speaks for all.
 */
function withoutOtherBranches(errors: readonly SchemaError[]): readonly SchemaError[] {
  let left = errors;
  for (const union of errors.filter(({ keyword }) => keyword === 'anyOf')) {
    const inside = left.filter((error) => isWithin(error, union));
    const meant = meantBranch(inside, union);
    left = left.filter((error) => {
      if (error === union) return meant === undefined;
      return !inside.includes(error) || (meant !== undefined && branchOf(error, union) === meant);
    });
  }
  return left;
}

const isWithin = (error: SchemaError, union: SchemaError): boolean =>
  error.schemaPath.startsWith(`${union.schemaPath}/anyOf/`) &&
  `${error.instancePath}/`.startsWith(`${union.instancePath}/`);

const branchOf = (error: SchemaError, union: SchemaError): string =>
  error.schemaPath.slice(union.schemaPath.length + '/anyOf/'.length).split('/', 1)[0] ?? '';

/** The one alternative that has the value's type; of several, the one that has its members. */
function meantBranch(inside: readonly SchemaError[], union: SchemaError): string | undefined {
  const branches = new Set(inside.map((error) => branchOf(error, union)));
  for (const mismatches of [['type'], ['required', 'additionalProperties']]) {
    if (branches.size === 1) break;
    for (const error of inside) {
      const isMismatch = mismatches.includes(error.keyword) && error.instancePath === union.instancePath;
      if (isMismatch) branches.delete(branchOf(error, union));
    }
  }
  return branches.size === 1 ? [...branches][0] : undefined;
}

function explain(error: SchemaError, schema: object): FieldError[] {
  const at = fieldOf(error.instancePath);
  const below = (name: string) => (at === '' ? name : `${at}.${name}`);
  const names = (list: unknown): string[] =>
    Array.isArray(list) ? list.filter((name) => typeof name === 'string') : [];
  const params: {
    requiredProperties?: unknown;
    additionalProperties?: unknown;
    allowedValues?: unknown;
    type?: unknown;
  } = error.params;
  switch (error.keyword) {
    case 'required':
      return names(params.requiredProperties).map((name) => ({ field: below(name), message: 'is required' }));
    case 'additionalProperties':
      return names(params.additionalProperties).map((name) => ({ field: below(name), message: 'is not known here' }));
    case 'boolean':
      return []; // the `additionalProperties` beside it says it better
    case 'anyOf':
      return [
        { field: at, message: `must be ${formsAt(schema, error.schemaPath) ?? 'of one of the documented forms'}` },
      ];
    case 'type':
      return [
        { field: at, message: typeof params.type === 'string' ? `must be ${wordFor(params.type)}` : error.message },
      ];
    case 'enum':
      return [{ field: at, message: `must be one of ${[params.allowedValues].flat().join(', ')}` }];
    default:
      return [{ field: at, message: sayLimit(error) ?? error.message }];
  }
}

/** Where the words of the schema compiler are for programmers. */
function sayLimit({ keyword, params }: SchemaError): string | undefined {
  const { format, limit }: { format?: unknown; limit?: unknown } = params;
  if (format === 'date-time') return 'must be a time such as 2026-11-22T08:00:00Z';
  if (limit !== 1) return undefined;
  if (keyword === 'minLength' || keyword === 'minItems') return 'must not be empty';
  return keyword === 'minProperties' ? 'must have at least one member' : undefined;
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
