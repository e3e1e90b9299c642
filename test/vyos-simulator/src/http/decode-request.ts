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

type Model = { readonly fields: ModelFields; readonly within?: string };

const OPERATIONAL: Model = { fields: { op: 'required', path: 'required' } };
const MODELS: Record<string, Model> = {
  '/retrieve': { fields: { op: 'required', path: 'required', configFormat: 'optional' } },
  '/configure': { fields: { op: 'required', path: 'non-empty', value: 'optional' }, within: 'ConfigureModel' },
  '/configure-section': {
    fields: { op: 'required', path: 'non-empty', section: 'required' },
    within: 'ConfigSectionModel',
  },
  '/config-file': { fields: { op: 'required', file: 'optional' } },
  '/traceroute': { fields: { op: 'required', host: 'required' } },
  '/retrieve/background-operations': { fields: {} },
};
const CONFIRMABLE = ['/configure', '/config-file'];

function modelOf({ commitConfirm }: Profile, endpoint: string): Model {
  const model = MODELS[endpoint] ?? OPERATIONAL;
  if (commitConfirm === undefined || !CONFIRMABLE.includes(endpoint)) return model;
  return { ...model, fields: { ...model.fields, confirm_time: 'optional' } };
}

/**
 * True for a single command to `/configure` that fits no edit: versions with commit-confirm then take it for a
 * confirmation, whatever its operation is.
 */
export function isConfirmShape(profile: Profile, endpoint: string, body: DecodedBody): boolean {
  if (profile.commitConfirm === undefined || endpoint !== '/configure') return false;
  if (typeof body['op'] !== 'string' || Array.isArray(body['commands'])) return false;
  return modelError(body, modelOf(profile, endpoint).fields) !== undefined;
}

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
  const confirms = isConfirmShape(profile, endpoint, json);
  // A real form without a path trips over itself; JSON that only claims to be a form does not.
  const formError = form?.json === undefined ? undefined : form.error?.text;
  const invalid = confirms ? formError : bodyError(profile, endpoint, json);
  return { kind: 'body', body: json, key: json['key'], invalid, form: form?.error };
}

function bodyError(profile: Profile, endpoint: string, json: Record<string, unknown>): string | undefined {
  const { fields, within } = modelOf(profile, endpoint);
  const alone = modelError(json, fields, within);
  const commands = json['commands'];
  if (within === undefined || alone === undefined || !Array.isArray(commands)) return alone;
  // The endpoint takes one command or a list of them; when neither fits, the complaint is about the former.
  if (modelError(json, { confirm_time: fields.confirm_time }) !== undefined) return alone;
  return commands.every((command) => modelError(command, fields) === undefined) ? undefined : alone;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
