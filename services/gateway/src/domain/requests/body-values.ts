import type { FieldError } from '@berth/errors';

/** Levels of objects and lists in a body, the outermost included: more than any body needs, and few enough for whatever descends into it. */
export const bodyMaxDepth = 64;
/** Values and members in a body, however deep: more than any body needs, and few enough to say quickly what is wrong with each. */
export const bodyMaxValues = 50_000;
const longestPath = 200;

interface Place {
  readonly value: object;
  readonly path: string;
  readonly depth: number;
}

/** What in a JSON body nothing behind could take: text with U+0000, which Postgres cannot keep, too many values, or levels without end. `undefined`: nothing. */
export function unusableIn(body: unknown): FieldError | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const places: Place[] = [{ value: body, path: '', depth: 1 }]; // a list instead of recursion: a body may be as deep as it is long
  let values = 0;
  for (let place = places.pop(); place !== undefined; place = places.pop()) {
    if (place.depth > bodyMaxDepth) {
      return { field: fieldOf(place.path), message: `must be nested at most ${bodyMaxDepth} levels deep` };
    }
    for (const [name, value] of Object.entries(place.value)) {
      if (++values > bodyMaxValues) {
        return {
          field: fieldOf(place.path),
          message: `must not hold more than ${bodyMaxValues} values with all others`,
        };
      }
      if (name.includes('\0') || (typeof value === 'string' && value.includes('\0'))) {
        const path = pathOf(place, name);
        return { field: fieldOf(path.replaceAll('\0', '')), message: 'must not contain the character U+0000' };
      }
      if (typeof value !== 'object' || value === null) continue; // the path of each would cost more than all the rest
      places.push({ value, path: pathOf(place, name), depth: place.depth + 1 });
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
