import type { FieldError } from '@berth/errors';

/** Levels of objects and lists in a body, the outermost included: more than any body needs, and few enough for whatever descends into it. */
export const bodyMaxDepth = 64;
const longestPath = 200;

interface Place {
  readonly value: object;
  readonly path: string;
  readonly depth: number;
}

/** What in a JSON body nothing behind could take: text with U+0000, which Postgres cannot keep, or levels without end. `undefined`: nothing. */
export function unusableIn(body: unknown): FieldError | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const places: Place[] = [{ value: body, path: '', depth: 1 }]; // a list instead of recursion: a body may be as deep as it is long
  for (let place = places.pop(); place !== undefined; place = places.pop()) {
    if (place.depth > bodyMaxDepth) {
      return { field: fieldOf(place.path), message: `must be nested at most ${bodyMaxDepth} levels deep` };
    }
    for (const [name, value] of Object.entries(place.value)) {
      const path = pathOf(place, name);
      if (name.includes('\0') || (typeof value === 'string' && value.includes('\0'))) {
        return { field: fieldOf(path.replaceAll('\0', '')), message: 'must not contain the character U+0000' };
      }
      if (typeof value === 'object' && value !== null) places.push({ value, path, depth: place.depth + 1 });
    }
  }
  return undefined;
}

function pathOf({ value, path }: Place, name: string): string {
  if (Array.isArray(value)) return `${path}[${name}]`;
  return path === '' ? name : `${path}.${name}`;
}

/** A longer path is cut to the field of the body that it begins with. */
const fieldOf = (path: string): string =>
  path.length <= longestPath ? path || 'body' : (path.split(/[.[]/, 1)[0] ?? '').slice(0, longestPath) || 'body';
