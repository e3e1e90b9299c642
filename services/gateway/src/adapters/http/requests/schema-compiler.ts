import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Settings } from 'typebox/system';
import { invalidRequest } from '../../../domain/field-checks.ts';
import { toFieldErrors } from './field-errors.ts';

// Enough for every alternative of every field to have its say; the library's own bound of 8 would cut them off.
Settings.Set({ maxErrors: 200 });

/**
 * Makes the checks of bodies and queries out of their schemas. Bodies are taken as they are; in queries, where everything is text,
 * numbers, lists and truth values are read as such. Headers are checked by whoever reads them. Errors are listed up to a bound, so that a hostile body costs
 * little.
 */
export const schemaCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  if (httpPart === 'headers') return () => true;
  const check = Compile(schema);
  return (input: unknown) => {
    const value = httpPart === 'querystring' ? withTypes(schema, input) : input;
    if (check.Check(value)) return { value };
    return {
      error: invalidRequest(toFieldErrors(check.Errors(value), schema, httpPart === 'body' ? 'body' : 'query')),
    };
  };
};

/**
 * Whole numbers, lists (repeated, or with commas between) and truth values where the schema wants them, everything else as it is: `1.5`
 * is no whole number, and stays text.
 */
function withTypes(schema: TSchema & { properties?: Record<string, { type?: unknown }> }, query: unknown): unknown {
  if (typeof query !== 'object' || query === null) return query;
  const read = ([name, value]: [string, unknown]) => {
    const type = schema.properties?.[name]?.type;
    if (type === 'integer' && /^-?\d{1,15}$/.test(String(value))) return [name, Number(value)];
    if (type === 'array') return [name, [value].flat().flatMap((one) => String(one).split(','))];
    if (type === 'boolean' && (value === 'true' || value === 'false')) return [name, value === 'true'];
    return [name, value];
  };
  return Object.fromEntries(Object.entries(query).map(read));
}
