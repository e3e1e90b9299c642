/** A longer path is cut to the field of the body that it begins with. */
const longestPath = 200;

/** Neither word can be in a text without one of these; escapes may spell anything. */
const suspicious = /__proto__|constructor|\\u/;

interface Place {
  readonly value: object;
  readonly path: string;
}

/**
 * The path of a name in a JSON body that could reach the prototype of an object into which the body is copied: `__proto__`, or
 * `prototype` within `constructor`. `text` is what `body` was read from. `undefined` when there is none.
 */
export function forbiddenNameIn(text: string, body: unknown): string | undefined {
  if (!suspicious.test(text) || !isObject(body)) return undefined;
  const places: Place[] = [{ value: body, path: '' }]; // a list instead of recursion: a body may be as deep as it is long
  for (let place = places.pop(); place !== undefined; place = places.pop()) {
    for (const [name, value] of membersOf(place.value)) {
      if (name === '__proto__') return shortened(below(place, name));
      if (!isObject(value)) continue;
      const path = below(place, name);
      if (name === 'constructor' && Object.hasOwn(value, 'prototype')) return shortened(`${path}.prototype`);
      places.push({ value, path });
    }
  }
  return undefined;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** One after the other where it is a list, which may be very long. */
const membersOf = (value: object): Iterable<[string | number, unknown]> =>
  Array.isArray(value) ? value.entries() : Object.entries(value);

function below({ value, path }: Place, name: string | number): string {
  if (Array.isArray(value)) return `${path}[${name}]`;
  return path === '' ? String(name) : `${path}.${name}`;
}

const shortened = (path: string): string =>
  path.length <= longestPath ? path : (path.split(/[.[]/, 1)[0] ?? '').slice(0, longestPath);
