import type { FieldChecks } from '../field-checks.ts';
import { type NameAt, refuseOverlaps, refuseRepeated, refuseReserved, type WrittenForward } from './forward-clashes.ts';
import { below, type ForwardInput, type ForwardWish, forwardsMaxCount, parseForward } from './forwards.ts';

/** A forward that shall be made, as a caller writes it. */
export type NewForwardInput = ForwardInput & { readonly name: string };

/** A forward that shall be made. */
export type NewForward = ForwardWish & { readonly name: string };

/** A change of the forward `name`, which stands. */
export type ForwardChange = ForwardWish & { readonly name: string; readonly newName: string | undefined };

/** Several changes in one, as a caller writes them. */
export interface ForwardChangesInput {
  readonly create?: readonly NewForwardInput[];
  readonly update?: readonly (NewForwardInput & { readonly new_name?: string })[];
  readonly delete?: readonly string[];
}

/**
 * New forwards: all that is wanted of each, or a name alone, whose template says the rest. `pathOf` says where the caller wrote each.
 * What is wrong is noted in `checks`.
 */
export function parseNewForwards(
  items: readonly (string | NewForwardInput)[],
  pathOf: (index: number) => string,
  checks: FieldChecks,
): readonly NewForward[] {
  const inputs = items.map((item) => (typeof item === 'string' ? { name: item } : item));
  const names = inputs.map(({ name }, index) => ({ field: nameField(items[index], pathOf(index)), name }));
  const forwards = written(inputs, pathOf, checks);
  refuseReserved(names, checks);
  refuseRepeated(names, checks);
  refuseOverlaps(forwards, checks);
  return forwards.map(({ input, wish }) => ({ ...wish, name: input.name }));
}

/** The change of the forward `name` that a body asks for; the body's `name` is the new one. What is wrong is noted in `checks`. */
export function parseForwardChange(
  name: string,
  { name: newName, ...input }: ForwardInput & { readonly name?: string },
  checks: FieldChecks,
): ForwardChange {
  if (newName !== undefined) refuseReserved([{ field: 'name', name: newName }], checks);
  return { ...parseForward(input, '', checks), name, newName };
}

/** Several changes that become one: each name in one list only, no new name twice. What is wrong is noted in `checks`. */
export function parseForwardChanges(input: ForwardChangesInput, checks: FieldChecks) {
  const { create = [], update = [], delete: removed = [] } = input;
  const newOnes = written(create, (index) => `create[${index}]`, checks);
  const edits = written(update, (index) => `update[${index}]`, checks);
  checkNames({ create, update, delete: removed }, checks);
  refuseOverlaps([...newOnes, ...edits], checks);
  return {
    create: newOnes.map(({ input, wish }): NewForward => ({ ...wish, name: input.name })),
    update: edits.map(({ input, wish }): ForwardChange => ({ ...wish, name: input.name, newName: input.new_name })),
    delete: removed,
  };
}

const nameField = (item: string | NewForwardInput | undefined, at: string): string =>
  typeof item === 'string' ? at : below(at, 'name');

const written = <I extends ForwardInput>(
  inputs: readonly I[],
  pathOf: (index: number) => string,
  checks: FieldChecks,
): readonly (WrittenForward & { readonly input: I })[] =>
  inputs.map((input, index) => ({ at: pathOf(index), input, wish: parseForward(input, pathOf(index), checks) }));

function checkNames(lists: Required<ForwardChangesInput>, checks: FieldChecks): void {
  const namesIn = (list: 'create' | 'update'): NameAt[] =>
    lists[list].map(({ name }, index) => ({ field: `${list}[${index}].name`, name }));
  const created = namesIn('create');
  const all = [
    ...created,
    ...namesIn('update'),
    ...lists.delete.map((name, index) => ({ field: `delete[${index}]`, name })),
  ];
  const renamed = lists.update.flatMap(({ new_name: name }, index) =>
    name === undefined ? [] : [{ field: `update[${index}].new_name`, name }],
  );
  refuseReserved([...created, ...renamed], checks);
  refuseRepeated(all, checks);
  refuseRepeated(renamed, checks, created);
  if (all.length === 0) checks.add('body', 'must create, update or delete something');
  const tooMany = all[forwardsMaxCount];
  if (tooMany) checks.add(tooMany.field, `is one too many: at most ${forwardsMaxCount} forwards in one request`);
}
