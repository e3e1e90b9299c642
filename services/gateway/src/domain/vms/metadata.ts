import { WrongValue } from '../field-checks.ts';

/** JSON as it came from a request's body. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** Of the JSON text, in bytes of UTF-8. */
export const metadataMaxBytes = 16_384;
/** Levels of objects and arrays, the outermost included. */
export const metadataMaxDepth = 16;

/** What a caller wants kept with a VM: any JSON object that a database can give back unchanged. */
export function parseMetadata<T extends object>(metadata: T): T {
  checkValue(metadata, 1);
  const bytes = Buffer.byteLength(JSON.stringify(metadata));
  if (bytes > metadataMaxBytes) throw new WrongValue(`must have at most ${metadataMaxBytes} bytes; it has ${bytes}`);
  return metadata;
}

/** Depth comes first: what stringifies, stores and sends the value later descends as deep as it goes. */
function checkValue(value: unknown, depth: number): void {
  if (typeof value === 'string') checkText(value);
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new WrongValue('must not contain numbers too large to store');
  if (typeof value !== 'object' || value === null) return;
  if (depth > metadataMaxDepth) throw new WrongValue(`must be nested at most ${metadataMaxDepth} levels deep`);
  for (const [name, inner] of Object.entries(value)) {
    checkText(name);
    checkValue(inner, depth + 1);
  }
}

function checkText(text: string): void {
  if (text.includes('\0')) throw new WrongValue('must not contain the character U+0000');
  if (!text.isWellFormed()) throw new WrongValue('must be well-formed Unicode');
}
