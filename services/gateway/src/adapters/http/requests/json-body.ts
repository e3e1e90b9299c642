import { DomainError } from '@berth/errors';
import { invalidRequest } from '../../../domain/field-checks.ts';
import { unusableIn } from '../../../domain/requests/body-values.ts';
import { refuseOversizedBulk } from '../../../domain/requests/bulk-bounds.ts';
import { forbiddenNameIn } from '../../../domain/requests/forbidden-names.ts';
import type { AnyRequest, App } from '../app-types.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Reads bodies as JSON. No text at all is no body, even where a client names its type nevertheless. */
export function registerJsonBody(app: App): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(['application/json'], { parseAs: 'buffer' }, async (request: AnyRequest, body: Buffer) => {
    if (body.length === 0) return undefined;
    refuseOtherEncodings(request.headers);
    if (request.routeOptions.config.bulk) refuseOversizedBulk(body);
    const value = parseJsonBody(body);
    // A bulk's items are judged one by one.
    const unusable = request.routeOptions.config.bulk ? undefined : unusableIn(value);
    if (unusable) throw invalidRequest([unusable]);
    return value;
  });
  app.addHook('preValidation', (request, _reply, done) => {
    if (request.routeOptions.config.bodyOptional) request.body ??= {};
    done();
  });
}

/** What is compressed, or in another charset than JSON's, would be misread. */
export function refuseOtherEncodings(headers: AnyRequest['headers']): void {
  const codings = (headers['content-encoding'] ?? '').split(',').map((coding) => coding.trim().toLowerCase());
  if (codings.some((coding) => coding !== '' && coding !== 'identity'))
    throw unsupported('The body must be sent without a Content-Encoding.');
  for (const [, charset = ''] of (headers['content-type'] ?? '').matchAll(/;\s*charset\s*=\s*"?([^\s;"]*)/gi)) {
    if (!/^utf-?8$/i.test(charset)) throw unsupported('The body must be sent in UTF-8.');
  }
}

function textOf(body: Buffer): string {
  try {
    return utf8.decode(body);
  } catch (error) {
    throw malformed('The body is not valid UTF-8.', error);
  }
}

/** JSON in UTF-8, without names that could reach a prototype. */
export function parseJsonBody(body: Buffer): unknown {
  const text = textOf(body);
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

const unsupported = (message: string) => new DomainError('invalid', 'UNSUPPORTED_MEDIA_TYPE', message);
