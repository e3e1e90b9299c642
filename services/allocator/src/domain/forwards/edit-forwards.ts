import { isDeepStrictEqual } from 'node:util';
import { checkAll, invalid } from '../check-fields.ts';
import { forwardExists, portNotFound } from '../errors.ts';
import { lengthOf, type NumberRange } from '../number-range.ts';
import type { ForwardsChange } from './change-forwards.ts';
import {
  assertPortsApart,
  type Forward,
  type ForwardProtocol,
  inOwnForm,
  stands,
  withFittingRules,
} from './forward.ts';
import type { TemplateForward } from './forward-template.ts';
import { checkShape, defaultsOf, type ForwardWish, namedPorts, planForward } from './forward-wish.ts';

/** What shall be different about a forward; what is absent stays. */
export interface ForwardEdit {
  readonly name: string;
  readonly newName?: string | undefined;
  readonly protocol?: ForwardProtocol | undefined;
  readonly internalPort?: number | undefined;
  /** 0: one port. Absent: as many ports as before. */
  readonly internalPortEnd?: number | undefined;
  /** 0: others of the pool. */
  readonly externalPort?: number | undefined;
  /** 0: as many as there are internal ones. */
  readonly externalPortEnd?: number | undefined;
  readonly sources?: readonly string[] | undefined;
  readonly description?: string | undefined;
  readonly enabled?: boolean | undefined;
}

/** Forwards to make, to change and to delete, all at once. A name is in one of the lists only. */
export interface ForwardsEdit {
  readonly create: readonly ForwardWish[];
  readonly update: readonly ForwardEdit[];
  readonly delete: readonly string[];
}

/** What a VM's forwards are changed with. */
export interface EditContext {
  readonly template: readonly TemplateForward[];
  /** The VM's block of rule numbers. */
  readonly block: NumberRange;
}

export const maxForwards = 100;

/**
 * What an edit makes of a VM's forwards. Throws `conflict` for a name that stands already, `not_found` for one that is to be changed or
 * deleted and does not stand, `invalid` where ports, sources and limits do not fit together.
 */
export function editForwards(forwards: readonly Forward[], edit: ForwardsEdit, context: EditContext): ForwardsChange {
  const kept = edit.delete.reduce(withoutForward, forwards);
  const updated = withUpdates(kept, edit.update);
  const after = edit.create.reduce((list, wish, index) => withNew(list, wish, `create[${index}]`, context), updated);
  if (after.filter(stands).length > maxForwards) {
    throw invalid([{ field: 'create', message: `a VM has at most ${maxForwards} forwards` }]);
  }
  assertPortsApart(after);
  const created = edit.create.map(({ name }) => name);
  return { forwards: after, created, changed: !isDeepStrictEqual(after, forwards) };
}

/** A forward of the template stays as an absent one, with its number of the block; others are gone with all their numbers. */
function withoutForward(forwards: readonly Forward[], name: string): readonly Forward[] {
  if (!forwards.some((forward) => forward.name === name && stands(forward))) throw portNotFound(name);
  return forwards.flatMap((forward): Forward[] => {
    if (forward.name !== name) return [forward];
    return forward.ofTemplate ? [{ ...forward, state: 'absent', external: null, ownRules: null }] : [];
  });
}

function withUpdates(forwards: readonly Forward[], updates: readonly ForwardEdit[]): readonly Forward[] {
  const edited = new Map<Forward, Forward>();
  for (const [index, update] of updates.entries()) {
    const forward = forwards.find(({ name }) => name === update.name);
    if (forward === undefined || !stands(forward)) throw portNotFound(update.name);
    edited.set(forward, editForward(forward, update, `update[${index}]`));
  }
  const after = forwards.map((forward) => edited.get(forward) ?? forward);
  const renamed = [...edited].flatMap(([before, { name }]) => (before.name === name ? [] : [name]));
  return renamed.reduce(withRoomFor, after);
}

/** Makes way for a forward that was renamed to `name`: one that was deleted, and is remembered only, is forgotten. */
function withRoomFor(forwards: readonly Forward[], name: string): readonly Forward[] {
  const sameName = (forward: Forward) => forward.name.toLowerCase() === name.toLowerCase();
  const others = forwards.filter(sameName);
  const lasting = others.filter((forward) => stands(forward) || forward.ofTemplate);
  if (lasting.length > 1) throw forwardExists(name);
  return forwards.filter((forward) => !sameName(forward) || lasting.includes(forward));
}

function editForward(before: Forward, edit: ForwardEdit, at: string): Forward {
  const internal = editedInternal(before.internal, edit);
  const external = editedExternal(before, internal, edit, at);
  const protocol = edit.protocol ?? before.protocol;
  // Other ports are taken on the external address alone, which an adopted rule may not name.
  const moves = protocol !== before.protocol || !isDeepStrictEqual(external.external, before.external);
  const after: Forward = {
    ...(moves ? inOwnForm(before) : before),
    ...external,
    internal,
    name: edit.newName ?? before.name,
    protocol,
    sources: edit.sources ?? before.sources,
    description: edit.description ?? before.description,
    state: edit.enabled === undefined ? before.state : edit.enabled ? 'enabled' : 'disabled',
  };
  checkAll((complain) => checkShape(after, at, complain));
  return withFittingRules(after);
}

function editedInternal(before: NumberRange, { internalPort, internalPortEnd }: ForwardEdit): NumberRange {
  const first = internalPort ?? before.first;
  if (internalPortEnd === undefined) return { first, last: first + lengthOf(before) - 1 };
  return { first, last: internalPortEnd || first };
}

function editedExternal(
  before: Forward,
  internal: NumberRange,
  { externalPort, externalPortEnd }: ForwardEdit,
  at: string,
): Pick<Forward, 'external' | 'externalCount' | 'fixedPort'> {
  const asMany = before.externalCount === lengthOf(before.internal);
  const first = externalPort ?? before.external?.first ?? 0;
  let externalCount = asMany ? lengthOf(internal) : before.externalCount;
  if (externalPortEnd === 0) externalCount = lengthOf(internal);
  if (externalPortEnd) {
    if (first === 0) throw invalid([{ field: `${at}.external_port`, message: 'must be named when the last one is' }]);
    externalCount = externalPortEnd - first + 1;
  }
  const fixedPort = externalPort ?? (externalPortEnd ? first : before.fixedPort);
  const stays = externalPort === undefined && externalCount === before.externalCount;
  if (stays) return { external: before.external, externalCount, fixedPort };
  return { external: namedPorts(fixedPort, externalCount), externalCount, fixedPort };
}

function withNew(
  forwards: readonly Forward[],
  wish: ForwardWish,
  at: string,
  { template, block }: EditContext,
): readonly Forward[] {
  const known = forwards.find(({ name }) => name.toLowerCase() === wish.name.toLowerCase());
  if (known && stands(known)) throw forwardExists(known.name);
  if (known && known.name !== wish.name) {
    throw invalid([{ field: `${at}.name`, message: `must be written "${known.name}"` }]);
  }
  const entry = template.find(({ name }) => name === wish.name);
  const plan = planForward(wish, known?.ofTemplate ? known : entry && defaultsOf(entry));
  if (plan === undefined) throw invalid([{ field: `${at}.internal_port`, message: 'is missing' }]);
  checkAll((complain) => checkShape(plan, at, complain));
  const created = withFittingRules({
    ...plan,
    blockRule: known ? known.blockRule : unusedOf(block, forwards),
    ownRules: known?.ownRules ?? null,
    ofTemplate: known?.ofTemplate ?? false,
  });
  return known ? forwards.map((forward) => (forward === known ? created : forward)) : [...forwards, created];
}

/** A number of the VM's block that no forward has any more; null when there is none. */
function unusedOf({ first, last }: NumberRange, forwards: readonly Forward[]): number | null {
  const used = new Set(forwards.map(({ blockRule }) => blockRule));
  for (let number = first; number <= last; number++) if (!used.has(number)) return number;
  return null;
}
