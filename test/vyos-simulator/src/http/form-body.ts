import type { IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import { Busboy } from '@fastify/busboy';
import type { Profile } from '../profile/profile.ts';
import { describeJsonError, pythonJsonError } from './python-json-errors.ts';
import { orderedJson, pythonRepr, toPythonJson } from './python-text.ts';

/** Why a form was refused. The API answers with it only when the JSON made of the form is refused as well. */
export type FormError = { readonly status: number; readonly text: string };
export type FormBody = { readonly json: unknown; readonly error: FormError | undefined };

/** The fields of a form, or undefined when the body is not one (then it is JSON, whatever its content type says). */
export async function formFields(headers: IncomingHttpHeaders, body: Buffer): Promise<Map<string, string> | undefined> {
  const type = headers['content-type'] ?? '';
  if (!/^(multipart\/form-data|application\/x-www-form-urlencoded)/i.test(type) || body.length === 0) return undefined;
  const fields = new Map<string, string>();
  return new Promise((resolve) => {
    const parser = new Busboy({ headers: { ...headers, 'content-type': type } });
    parser.on('field', (name: string, value: string) => fields.set(name, value));
    parser.on('file', (_name: string, stream: Readable) => stream.resume());
    parser.on('finish', () => resolve(fields));
    parser.on('error', () => resolve(fields));
    Readable.from([body]).pipe(parser);
  });
}

/** Turns a form into the JSON body it stands for (MultipartRequest of the API). The last complaint counts. */
export function jsonOfForm(profile: Profile, endpoint: string, fields: ReadonlyMap<string, string>): FormBody {
  const data = fields.get('data');
  if (data === undefined) return { json: undefined, error: { status: 422, text: 'Non-empty data field is required' } };
  const broken = pythonJsonError(data);
  if (broken !== undefined)
    return {
      json: undefined,
      error: { status: 400, text: `Failed to parse JSON: ${describeJsonError(data, broken)}` },
    };
  const parsed: unknown = JSON.parse(data);
  const merged: Record<string, unknown> = Array.isArray(parsed)
    ? { commands: parsed }
    : isRecord(parsed)
      ? { ...parsed }
      : {};
  const commands =
    'commands' in merged && Array.isArray(merged['commands'])
      ? merged['commands']
      : [Array.isArray(parsed) ? merged : parsed];
  let error = commands.reduce<FormError | undefined>(
    (known, command) => commandError(profile, endpoint, command) ?? known,
    undefined,
  );
  if (!fields.has('key') && !('key' in merged))
    error = { status: profile.missingKeyStatus, text: 'Valid API key is required' };
  if (fields.has('key') && !('key' in merged)) merged['key'] = fields.get('key');
  return { json: isRecord(parsed) || Array.isArray(parsed) ? merged : parsed, error };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const WITHOUT_PATH = ['/config-file', '/container-image', '/image', '/configure-section', '/traceroute'];

function commandError(profile: Profile, endpoint: string, command: unknown): FormError | undefined {
  if (profile.formWords === '1.3') return commandError13(endpoint, command);
  const malformed = (why: string, shown = pythonRepr(command)): FormError => ({
    status: 400,
    text: `Malformed command '${shown}': ${why}`,
  });
  if (!isRecord(command))
    return malformed('any command must be JSON of dict', typeof command === 'string' ? command : undefined);
  let error = 'op' in command ? undefined : malformed("missing 'op' field");
  if (!WITHOUT_PATH.includes(endpoint)) error = pathError(command, malformed) ?? error;
  if (endpoint === '/configure') {
    const path = command['path'];
    if (Array.isArray(path) && path.length === 0) error = malformed("'path' list must be non-empty");
    if ('value' in command && typeof command['value'] !== 'string') error = malformed("'value' field must be a string");
  }
  if (endpoint === '/configure-section' && !('section' in command) && !('config' in command))
    error = malformed("missing 'section' or 'config' field");
  return error;
}

function pathError(
  command: Record<string, unknown>,
  malformed: (why: string, shown?: string) => FormError,
): FormError | undefined {
  if (!('path' in command)) return malformed("missing 'path' field");
  const path = command['path'];
  if (!Array.isArray(path)) return malformed("'path' field must be a list");
  // The API means to show the command here and shows a 0.
  return path.every((item) => typeof item === 'string')
    ? undefined
    : malformed("'path' field must be a list of strings", '0');
}

/** 1.3 shows the command as JSON, and on all endpoints but `/configure` only says what is wanted. */
function commandError13(endpoint: string, command: unknown): FormError | undefined {
  if (endpoint !== '/configure') {
    const missing =
      !isRecord(command) || !('op' in command) || (!WITHOUT_PATH.includes(endpoint) && !('path' in command));
    return missing ? { status: 400, text: 'Missing required field. "op" and "path" fields are required' } : undefined;
  }
  const malformed = (why: string): FormError => ({
    status: 400,
    text: `Malformed command "${toPythonJson(orderedJson(command))}": ${why}`,
  });
  if (!isRecord(command)) return malformed('any command must be JSON of dict');
  if (!('op' in command)) return malformed('missing "op" field');
  if (!('path' in command)) return malformed('missing "path" field');
  if (!Array.isArray(command['path'])) return malformed('"path" field must be a list');
  if (command['path'].length === 0) return malformed('"path" list must be non-empty');
  return 'value' in command && typeof command['value'] !== 'string'
    ? malformed('"value" field must be a string')
    : undefined;
}
