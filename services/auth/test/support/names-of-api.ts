import assert from 'node:assert/strict';

/** Names that stand in `value`, however deep, and that no field of the API could have. */
const strangeNames = (value: unknown): string[] =>
  typeof value !== 'object' || value === null
    ? []
    : Object.entries(value).flatMap(([name, inner]) => [
        ...(/^([a-z][a-z_]*|\d+)$/.test(name) ? [] : [name]),
        ...strangeNames(inner),
      ]);

/** Asserts that entries of the audit log call everything as the API does. */
export function assertNamesOfApi(entries: readonly { readonly before: unknown; readonly after: unknown }[]): void {
  assert.deepEqual(
    entries.flatMap(({ before, after }) => strangeNames([before, after])),
    [],
  );
}
