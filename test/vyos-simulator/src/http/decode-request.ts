import type { IncomingHttpHeaders } from 'node:http';
import type { Profile } from '../profile/profile.ts';
import { type FormError, formFields, jsonOfForm } from './form-body.ts';
import { invalidJson, keyError, type ModelFields, missingBody, modelError } from './pydantic-model.ts';
import { pythonJsonError } from './python-json-errors.ts';

/** A body that passed the checks of its endpoint's model. */
export type DecodedBody = { readonly [field: string]: unknown };

export type Decoded =
  | {
      readonly kind: 'body';
      readonly body: DecodedBody;
      readonly key: string;
      readonly invalid: string | undefined;
      readonly form: FormError | undefined;
    }
  | { readonly kind: 'refused'; readonly status: number; readonly text: string };

const MODELS: Record<string, { readonly fields: ModelFields; readonly within?: string }> = {
  '/retrieve': { fields: { op: 'required', path: 'required', configFormat: 'optional' } },
  '/configure': { fields: { op: 'required', path: 'non-empty', value: 'optional' }, within: 'ConfigureModel' },
  '/configure-section': {
    fields: { op: 'required', path: 'non-empty', section: 'required' },
    within: 'ConfigSectionModel',
  },
  '/config-file': { fields: { op: 'required', file: 'optional' } },
};
const OPERATIONAL = { fields: { op: 'required', path: 'required' } } as const;

/** Decodes a body of either encoding. The key is not compared here; a wrong one comes before a wrong rest. */
export async function decodeRequest(
  profile: Profile,
  endpoint: string,
  headers: IncomingHttpHeaders,
  raw: Buffer,
): Promise<Decoded> {
  const fields = await formFields(headers, raw);
  const form = fields === undefined ? undefined : jsonOfForm(profile, endpoint, fields);
  const refusal = (text: string): Decoded => ({
    kind: 'refused',
    status: form?.error?.status ?? 400,
    text: form?.error?.text ?? text,
  });
  let json = form?.json;
  if (json === undefined) {
    if (raw.length === 0) return refusal(missingBody());
    const text = raw.toString('utf8');
    const broken = pythonJsonError(text);
    if (broken !== undefined) return refusal(invalidJson(broken.message, broken.at));
    json = JSON.parse(text);
  }
  const missingKey = keyError(json);
  if (missingKey !== undefined) return refusal(missingKey);
  if (!isRecord(json) || typeof json['key'] !== 'string') return refusal(missingBody());
  const invalid = bodyError(endpoint, json);
  return { kind: 'body', body: json, key: json['key'], invalid, form: form?.error };
}

function bodyError(endpoint: string, json: Record<string, unknown>): string | undefined {
  const { fields, within } = MODELS[endpoint] ?? { ...OPERATIONAL, within: undefined };
  const alone = modelError(json, fields, within);
  const commands = json['commands'];
  if (within === undefined || alone === undefined || !Array.isArray(commands)) return alone;
  // The endpoint takes one command or a list of them; when neither fits, the complaint is about the former.
  return commands.every((command) => modelError(command, fields) === undefined) ? undefined : alone;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
