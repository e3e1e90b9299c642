import { DomainError } from '@berth/errors';
import { invalidRequest } from '../../domain/field-checks.ts';
import { forbiddenNameIn } from '../../domain/forbidden-names.ts';
import type { AnyRequest, App } from './app-types.ts';

/** Reads bodies as JSON. No text at all is no body, even where a client names its type nevertheless. */
export function registerJsonBody(app: App): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(['application/json'], { parseAs: 'buffer' }, async (_request: AnyRequest, body: Buffer) => {
    if (body.length === 0) return undefined;
    return parseJson(body.toString().replace(/^\ufeff/, ''));
  });
  app.addHook('preValidation', (request, _reply, done) => {
    if (request.routeOptions.config.bodyOptional) request.body ??= {};
    done();
  });
}

function parseJson(text: string): unknown {
  const value = jsonOf(text);
  const forbidden = forbiddenNameIn(text, value);
  if (forbidden !== undefined) throw invalidRequest([{ field: forbidden, message: 'is a name that is not allowed' }]);
  return value;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformed('The body is not valid JSON.', error);
  }
}

const malformed = (message: string, cause: unknown) =>
  new DomainError('invalid', 'MALFORMED_JSON', message, {}, { cause });
