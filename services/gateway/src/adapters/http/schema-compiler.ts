import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Value } from 'typebox/value';
import { invalidRequest } from '../../domain/field-checks.ts';
import { toFieldErrors } from './field-errors.ts';

/**
 * Makes the checks of bodies and queries out of their schemas. Bodies are taken as they are; in queries, where everything is text,
 * numbers are read as such. Headers are checked by whoever reads them. Errors are listed up to a bound, so that a hostile body costs
 * little.
 */
export const schemaCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  if (httpPart === 'headers') return () => true;
  const check = Compile(schema);
  return (input: unknown) => {
    const value = httpPart === 'body' ? input : Value.Convert(schema, input);
    if (check.Check(value)) return { value };
    return { error: invalidRequest(toFieldErrors(check.Errors(value), httpPart === 'body' ? 'body' : 'query')) };
  };
};
