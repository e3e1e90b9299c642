import { DomainError } from '@berth/errors';
import formbody from '@fastify/formbody';
import { invalidRequest } from '../../../domain/field-checks.ts';
import { unusableIn } from '../../../domain/requests/body-values.ts';
import type { App } from '../app-types.ts';
import { refuseOtherEncodings } from './json-body.ts';

const formType = /^\s*application\/x-www-form-urlencoded\b/i;
const longestName = 200;

/** Reads bodies as forms, on routes that take them (`form`). Each field once. */
export async function registerFormBody(app: App): Promise<void> {
  app.addHook('preParsing', async ({ routeOptions, headers }) => {
    if (!formType.test(headers['content-type'] ?? '')) return;
    if (routeOptions.config.form !== true) {
      throw new DomainError('invalid', 'UNSUPPORTED_MEDIA_TYPE', 'The body must be sent as application/json.');
    }
    refuseOtherEncodings(headers);
  });
  await app.register(formbody, { parser: parseForm });
}

/** A look-up for each field, not a comparison with all before it: a megabyte of short names must cost no more than one of JSON does. */
function parseForm(text: string): Record<string, string> {
  const form: Record<string, string> = Object.create(null);
  for (const [name, value] of new URLSearchParams(text)) {
    if (name in form) throw invalidRequest([{ field: name.slice(0, longestName), message: 'is there twice' }]);
    form[name] = value;
  }
  const unusable = unusableIn(form);
  if (unusable) throw invalidRequest([unusable]);
  return form;
}
