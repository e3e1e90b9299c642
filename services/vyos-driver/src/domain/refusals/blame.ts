import { foldedText } from '../answers/router-text.ts';

/**
 * Who of many is to blame when the router refuses their common commit. Plain data: each observation gives a new one.
 *
 * The procedure proposes probes (resources to commit together) and learns from what becomes of them. A refusal that names resources of
 * the probe rejects those alone. One that names nobody is followed down by halves: the half that is refused holds an offender, and when
 * one half is applied, the other one does, without asking. What was not looked at meanwhile is committed together afterwards. So k
 * offenders among n cost at most k·(⌈log2 n⌉+1) commits beyond the first, as long as the router refuses the same thing each time.
 *
 * The router may also refuse everything because of somebody else's broken configuration; then nobody is to be blamed. It is `blocked`
 * - when a text names an object that no resource of the batch has, and none that one has; or
 * - when nothing was applied at all and every part of the batch was refused with the very same text by a commit: two resources alone and
 *   all the rest together. Two refusals are not enough: two offenders with the same mistake would look the same, and as they stay at the
 *   head of the queue they would hold up everybody. For the same reason a refused set or delete never counts (no configuration of
 *   others makes the router refuse those), and the second descent begins at the other end.
 *
 * A refusal that passes by itself may cost an innocent: two refusals in a row that name nobody, of a set and of its half, leave the last of that half
 * accused by what it shared with others, when the others were applied. Asking it alone would cost each offender a commit more than is promised,
 * so it is done only where the refusal itself was doubtful, or nobody else is left to ask about.
 *
 * What cannot be told apart: a single resource that is refused without a name is rejected, although the router may be blocked. Its
 * caller gets the router's words; a blocked router nearly always names what is broken.
 */
export interface Blame {
  readonly startedWith: number;
  /** Neither committed nor suspected yet. */
  readonly untested: readonly string[];
  /** Refused together, without a name: at least one of them is an offender. */
  readonly suspects?: Suspects;
  readonly applied: readonly string[];
  readonly rejected: readonly Rejection[];
  readonly blocked?: string;
  /** The text of the refusals for which the router was taken to be blocked before; the first probe is one resource alone. */
  readonly blockedBy?: string;
}

interface Suspects {
  readonly ids: readonly string[];
  readonly text: string;
  readonly doubtful: boolean;
}

interface Rejection {
  readonly id: string;
  readonly text: string;
  /** False: found by halving, and taken back when the router turns out to be blocked. */
  readonly named: boolean;
}

/** What became of a probe. `named` are those of its resources that the text names. */
export type ProbeResult =
  | { readonly kind: 'applied' }
  | {
      readonly kind: 'refused';
      readonly text: string;
      readonly named: readonly string[];
      readonly namesStranger: boolean;
      /** The refusal may be nobody's of the probe: whoever is left of it alone is asked alone before it is rejected. */
      readonly doubtful?: boolean;
    };

/** How far it is: a resource that is in neither is still to be probed, or waits because the router is blocked. */
export interface Settled {
  readonly applied: readonly string[];
  /** With the router's words. */
  readonly rejected: ReadonlyMap<string, string>;
  /** The text of the refusals, when somebody else's configuration makes the router refuse everything. */
  readonly blocked?: string;
}

/**
 * Starts with everything in one probe. `blockedBy`: the text for which the router was blocked the last time; then one resource, the
 * last, is tried alone, and if it is refused with that text the router is still blocked.
 */
export function startBlame(resourceIds: readonly string[], options: { readonly blockedBy?: string } = {}): Blame {
  const ids = [...new Set(resourceIds)];
  return {
    startedWith: ids.length,
    untested: ids,
    applied: [],
    rejected: [],
    ...(options.blockedBy === undefined ? {} : { blockedBy: foldedText(options.blockedBy) }),
  };
}

/** The resources to commit together next; undefined when all is settled or the router is blocked. */
export function nextProbe(blame: Blame): readonly string[] | undefined {
  if (blame.blocked !== undefined) return undefined;
  if (blame.suspects !== undefined) return halfOf(blame.suspects.ids, foundAlone(blame).length > 0);
  if (blame.untested.length === 0) return undefined;
  return blame.blockedBy === undefined ? blame.untested : blame.untested.slice(-1);
}

/** What is known after `probe`, which must be the one that `nextProbe` gave. */
export function observe(blame: Blame, probe: readonly string[], result: ProbeResult): Blame {
  const expected = nextProbe(blame);
  if (expected === undefined || expected.length !== probe.length || expected.some((id, at) => id !== probe[at])) {
    throw new Error('The probe is not the one that was proposed.');
  }
  const { blockedBy, ...state } = blame;
  if (result.kind === 'applied') return afterApplied(state, probe);
  const named = probe.filter((id) => result.named.includes(id));
  if (named.length > 0) return afterNaming(state, named, result.text);
  if (result.namesStranger) return blockedWith(state, result.text);
  if (blockedBy !== undefined && foldedText(result.text) === blockedBy) return blockedWith(state, result.text);
  return probe.length > 1 ? afterSilence(state, probe, result) : afterLoneRefusal(state, probe, result.text);
}

export function settled(blame: Blame): Settled {
  return {
    applied: blame.applied,
    rejected: new Map(blame.rejected.map(({ id, text }) => [id, text])),
    ...(blame.blocked === undefined ? {} : { blocked: blame.blocked }),
  };
}

/** As if these resources, of which nothing is known yet, had never been in it. */
export function withoutResources(blame: Blame, ids: readonly string[]): Blame {
  const untested = without(blame.untested, ids);
  const { suspects } = blame;
  const left = suspects && { ...suspects, ids: without(suspects.ids, ids) };
  const gone = blame.untested.length - untested.length + (suspects?.ids.length ?? 0) - (left?.ids.length ?? 0);
  const state = { ...blame, untested, startedWith: blame.startedWith - gone };
  return withSuspects(state, left === undefined || left.ids.length === 0 ? undefined : left);
}

/** Those of the rejected whom the router named: nothing that is found out later takes that back. */
export const rejectedByName = (blame: Blame): ReadonlySet<string> =>
  new Set(blame.rejected.filter(({ named }) => named).map(({ id }) => id));

const without = (ids: readonly string[], gone: readonly string[]): readonly string[] => {
  const set = new Set(gone);
  return ids.filter((id) => !set.has(id));
};

/** The first half, or the last: the larger one, so that either way at most ⌈log2 n⌉ steps lead to one. */
const halfOf = (ids: readonly string[], fromTheEnd: boolean): readonly string[] => {
  const size = Math.floor(ids.length / 2) || 1;
  return fromTheEnd ? ids.slice(-size) : ids.slice(0, size);
};

const withSuspects = (blame: Blame, suspects: Suspects | undefined): Blame => {
  const { suspects: _, ...rest } = blame;
  return suspects === undefined ? rest : { ...rest, suspects };
};

const foundAlone = (blame: Blame): readonly Rejection[] => blame.rejected.filter(({ named }) => !named);

function afterApplied(blame: Blame, probe: readonly string[]): Blame {
  const state = { ...blame, applied: [...blame.applied, ...probe], untested: without(blame.untested, probe) };
  if (state.suspects === undefined) return state;
  const { text, doubtful } = state.suspects;
  const ids = without(state.suspects.ids, probe);
  const [last] = ids;
  if (last === undefined) return withSuspects(state, undefined); // refused before and applied now: not to blame
  if (ids.length > 1 || state.untested.length === 0 || doubtful) return withSuspects(state, { ids, text, doubtful });
  // It alone is left of a set that was refused. Asking once more would cost a commit more than promised.
  return withSuspects({ ...state, rejected: [...state.rejected, { id: last, text, named: false }] }, undefined);
}

function afterNaming(blame: Blame, named: readonly string[], text: string): Blame {
  return withSuspects(
    {
      ...blame,
      // Whether the others of a suspected set are innocent is open again: the text that it was refused with may have been theirs.
      untested: without([...(blame.suspects?.ids ?? []), ...blame.untested], named),
      rejected: [...blame.rejected, ...named.map((id) => ({ id, text, named: true }))],
    },
    undefined,
  );
}

function afterSilence(
  blame: Blame,
  probe: readonly string[],
  { text, doubtful = false }: { readonly text: string; readonly doubtful?: boolean },
): Blame {
  const others = without(blame.suspects?.ids ?? [], probe);
  const untested = [...others, ...without(blame.untested, probe)];
  const alone = foundAlone(blame);
  if (alone.length >= 2 && untested.length === 0 && refusesEverything(blame, text)) return blockedWith(blame, text);
  return withSuspects({ ...blame, untested }, { ids: probe, text, doubtful });
}

function afterLoneRefusal(blame: Blame, probe: readonly string[], text: string): Blame {
  const others = without(blame.suspects?.ids ?? [], probe);
  const untested = [...others, ...without(blame.untested, probe)];
  const rejected = [...blame.rejected, ...probe.map((id) => ({ id, text, named: false }))];
  const state = withSuspects({ ...blame, untested, rejected }, undefined);
  const everyone = rejected.length === blame.startedWith && rejected.length > 1;
  return everyone && refusesEverything(blame, text) ? blockedWith(state, text) : state;
}

/** Whether nothing was applied, nobody was named, and all that were refused alone were refused with this text, by a commit. */
function refusesEverything(blame: Blame, text: string): boolean {
  const folded = foldedText(text);
  return (
    blame.applied.length === 0 &&
    !/(?:Set|Delete) failed$/.test(folded) &&
    blame.rejected.every((rejection) => !rejection.named && foldedText(rejection.text) === folded)
  );
}

/** Nobody is blamed for what somebody else's configuration may have caused; who was named was named. */
function blockedWith(blame: Blame, text: string): Blame {
  const innocent = foundAlone(blame).map(({ id }) => id);
  return {
    ...withSuspects(blame, undefined),
    untested: [...innocent, ...without([...(blame.suspects?.ids ?? []), ...blame.untested], innocent)],
    rejected: blame.rejected.filter(({ named }) => named),
    blocked: text,
  };
}
