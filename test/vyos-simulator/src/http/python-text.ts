import type { OrderedJson } from '../domain/config-json.ts';

/** `json.dumps` with Python's defaults: ", " and ": " between parts, everything outside ASCII as \uXXXX. */
export function toPythonJson(value: OrderedJson): string {
  if (typeof value === 'string') return quotedJson(value);
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return `[${value.map(toPythonJson).join(', ')}]`;
  if (value instanceof Map)
    return `{${[...value].map(([key, item]) => `${quotedJson(key)}: ${toPythonJson(item)}`).join(', ')}}`;
  return 'null';
}

/** A value that came from JSON, for `toPythonJson`. */
export function orderedJson(value: unknown): OrderedJson {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map(orderedJson);
  if (typeof value !== 'object' || value === null) return null;
  return new Map(Object.entries(value).map(([name, item]) => [name, orderedJson(item)]));
}

function quotedJson(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** `repr()` of a value that came from JSON: what pydantic and the API put into their error texts. */
export function pythonRepr(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return quotedRepr(value);
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `[${value.map(pythonRepr).join(', ')}]`;
  return `{${Object.entries(value)
    .map(([key, item]) => `${quotedRepr(key)}: ${pythonRepr(item)}`)
    .join(', ')}}`;
}

function quotedRepr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
    .replaceAll(quote, `\\${quote}`);
  return `${quote}${escaped}${quote}`;
}

/** The API's escaping of error texts since 1.5 (T6736): `&`, `<` and `>`, quotes stay. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
