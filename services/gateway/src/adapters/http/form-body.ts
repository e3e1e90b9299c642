import { DomainError } from '@berth/errors';
import formbody from '@fastify/formbody';
import { invalidRequest } from '../../domain/field-checks.ts';
import type { App } from './app-types.ts';
import { refuseOtherEncodings } from './json-body.ts';

const formType = /^\s*application\/x-www-form-urlencoded\b/i;

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

function parseForm(text: string): Record<string, string> {
  const fields = [...new URLSearchParams(text)];
  const twice = fields.find(([name], index) => fields.findIndex(([other]) => other === name) < index);
  if (twice !== undefined) throw invalidRequest([{ field: twice[0], message: 'is there twice' }]);
  const form: Record<string, string> = Object.create(null);
  for (const [name, value] of fields) form[name] = value;
  return form;
}
