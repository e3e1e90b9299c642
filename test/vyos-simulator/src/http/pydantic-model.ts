import { pythonRepr } from './python-text.ts';

/** The fields that an endpoint's JSON model has, beside the key. */
export type ModelFields = {
  readonly op?: 'required';
  /** `non-empty`: `[]` is refused too. */
  readonly path?: 'required' | 'non-empty';
  readonly value?: 'optional';
  readonly file?: 'optional';
  readonly configFormat?: 'optional';
  readonly section?: 'required';
  readonly host?: 'required';
  /** A whole number; booleans and texts are none. */
  readonly confirm_time?: 'optional' | undefined;
};

type Field = {
  readonly name: string;
  readonly check: (value: unknown) => Complaint | undefined;
  readonly required: boolean;
};
type Complaint = {
  readonly type: string;
  readonly message: string;
  readonly input: unknown;
  readonly below?: number;
  readonly context?: string;
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function textComplaint(value: unknown): Complaint | undefined {
  return typeof value === 'string'
    ? undefined
    : { type: 'string_type', message: 'Input should be a valid string', input: value };
}

function integerComplaint(value: unknown): Complaint | undefined {
  return Number.isInteger(value)
    ? undefined
    : { type: 'int_type', message: 'Input should be a valid integer', input: value };
}

function pathComplaint(value: unknown, nonEmpty: boolean): Complaint | undefined {
  if (!Array.isArray(value)) return { type: 'list_type', message: 'Input should be a valid list', input: value };
  const at = value.findIndex((item) => typeof item !== 'string');
  if (at >= 0) return { type: 'string_type', message: 'Input should be a valid string', input: value[at], below: at };
  if (value.length > 0 || !nonEmpty) return undefined;
  const words = 'path must be non-empty';
  return {
    type: 'value_error',
    message: `Value error, ${words}`,
    input: value,
    context: `{'error': ValueError('${words}')}`,
  };
}

function fieldsOf(model: ModelFields): Field[] {
  const fields: Field[] = [];
  if (model.op) fields.push({ name: 'op', required: true, check: textComplaint });
  if (model.path)
    fields.push({ name: 'path', required: true, check: (value) => pathComplaint(value, model.path === 'non-empty') });
  for (const name of ['value', 'file', 'configFormat'] as const) {
    if (model[name]) fields.push({ name, required: false, check: textComplaint });
  }
  if (model.host) fields.push({ name: 'host', required: true, check: textComplaint });
  if (model.confirm_time) fields.push({ name: 'confirm_time', required: false, check: integerComplaint });
  if (model.section) fields.push({ name: 'section', required: true, check: sectionComplaint });
  return fields;
}

function sectionComplaint(value: unknown): Complaint | undefined {
  return isRecord(value)
    ? undefined
    : { type: 'dict_type', message: 'Input should be a valid dictionary', input: value };
}

/**
 * The text of the first complaint about a JSON body, worded as pydantic 2.13 does, or undefined when the model fits.
 * `within` is the name of the model where the endpoint takes one of several.
 */
export function modelError(body: unknown, model: ModelFields, within?: string): string | undefined {
  const place = ['body', ...(within === undefined ? [] : [within])];
  if (!isRecord(body)) {
    const words = 'Input should be a valid dictionary or object to extract fields from';
    return describe({ type: 'model_attributes_type', message: words, input: body }, ['body']);
  }
  for (const { name, check, required } of fieldsOf(model)) {
    if (!Object.hasOwn(body, name)) {
      if (required) return describe({ type: 'missing', message: 'Field required', input: body }, [...place, name]);
      continue;
    }
    const complaint = check(body[name]);
    if (complaint !== undefined)
      return describe(complaint, [...place, name, ...(complaint.below === undefined ? [] : [complaint.below])]);
  }
  return undefined;
}

/** The same for the key, which every model has: undefined when a string is there. */
export function keyError(body: unknown): string | undefined {
  if (!isRecord(body)) return modelError(body, {});
  if (!Object.hasOwn(body, 'key'))
    return describe({ type: 'missing', message: 'Field required', input: body }, ['body', 'key']);
  const complaint = textComplaint(body['key']);
  return complaint && describe(complaint, ['body', 'key']);
}

export function missingBody(): string {
  return describe({ type: 'missing', message: 'Field required', input: null }, ['body']);
}

export function invalidJson(message: string, at: number): string {
  return `{'type': 'json_invalid', 'loc': ('body', ${at}), 'msg': 'JSON decode error', 'input': {}, 'ctx': {'error': ${pythonRepr(message)}}}`;
}

function describe({ type, message, input, context }: Complaint, place: readonly (string | number)[]): string {
  const loc = `(${place.map(pythonRepr).join(', ')}${place.length === 1 ? ',' : ''})`;
  const ctx = context === undefined ? '' : `, 'ctx': ${context}`;
  const url = `https://errors.pydantic.dev/2.13/v/${type}`;
  return `{'type': '${type}', 'loc': ${loc}, 'msg': '${message}', 'input': ${pythonRepr(input)}${ctx}, 'url': '${url}'}`;
}
