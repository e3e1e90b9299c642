import type { Edit } from './configuration-store.ts';

/**
 * The edits that a `section` of `/configure-section` stands for: strings and lists are values, `{}` is a node without
 * any. `load` replaces what is there, so it deletes first.
 */
export function editsOfSection(op: 'set' | 'load', path: readonly string[], section: unknown): Edit[] {
  const sets = pathsIn(section, path).map((one): Edit => ({ op: 'set', path: one }));
  return op === 'load' ? [{ op: 'delete', path }, ...sets] : sets;
}

function pathsIn(value: unknown, path: readonly string[]): (readonly string[])[] {
  if (typeof value === 'string') return [[...path, value]];
  if (Array.isArray(value)) return value.flatMap((item) => pathsIn(item, path));
  if (typeof value !== 'object' || value === null) return [];
  const entries = Object.entries(value);
  return entries.length === 0 ? [path] : entries.flatMap(([name, child]) => pathsIn(child, [...path, name]));
}
