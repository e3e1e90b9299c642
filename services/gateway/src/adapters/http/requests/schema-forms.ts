const words: Readonly<Record<string, string>> = {
  integer: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
};

/** A JSON type in words. */
export const wordFor = (type: string): string => words[type] ?? type;

interface Schema {
  readonly type?: unknown;
  readonly anyOf?: unknown;
  readonly properties?: object;
  readonly required?: unknown;
}

/** The alternatives of the `anyOf` at `schemaPath` (as `#/properties/name`), in words: `{base,start,end}, {cidr} or null`. */
export function formsAt(schema: object, schemaPath: string): string | undefined {
  const steps = schemaPath.split('/').slice(1);
  const union = steps.reduce<unknown>((at, step) => (isSchema(at) ? Reflect.get(at, step) : undefined), schema);
  if (!isSchema(union) || !Array.isArray(union.anyOf)) return undefined;
  const forms = union.anyOf.map((one: unknown) => (isSchema(one) ? formOf(one) : undefined));
  if (forms.some((form) => form === undefined)) return undefined;
  return [forms.slice(0, -1).join(', '), forms.at(-1)].filter((part) => part !== '').join(' or ');
}

function formOf({ type, properties, required }: Schema): string | undefined {
  if (properties === undefined) return typeof type === 'string' ? wordFor(type) : undefined;
  const needed: readonly unknown[] = Array.isArray(required) ? required : [];
  return `{${Object.keys(properties).map((name) => (needed.includes(name) ? name : `${name}?`))}}`;
}

const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null;
