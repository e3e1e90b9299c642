import type { OwnedContent } from '../changes/plan.ts';
import { sameContent } from '../changes/plan-changes.ts';
import { type ConfigPath, type ConfigTree, pathOfKey } from '../config-tree.ts';
import { isPrefix } from '../routers/router-settings.ts';

/** How what is found differs from what is applied. */
export type DriftKind = 'added' | 'deleted' | 'updated';

/** What is done about a difference: told, undone with the next commit, or taken over as what is wanted. */
export type DriftPolicy = 'report' | 'repair' | 'accept';

/** A policy for every owned path at or below `path`; an empty path is the whole router. */
export interface DriftRule {
  readonly path: ConfigPath;
  readonly policy: DriftPolicy;
}

/** An owned path that does not stand as it is applied. */
export interface PathDifference {
  /** Key of the owned path. */
  readonly key: string;
  readonly kind: DriftKind;
  /** Undefined: nothing is applied there. */
  readonly expected: ConfigTree | undefined;
  /** Undefined: nothing stands there. */
  readonly found: ConfigTree | undefined;
}

/** Path by path, in the order of the paths, where `standing` is not what is `applied`. */
export function pathDifferences(standing: OwnedContent, applied: OwnedContent): PathDifference[] {
  const keys = [...new Set([...applied.keys(), ...standing.keys()])].sort();
  return keys.flatMap((key): PathDifference[] => {
    const expected = applied.get(key);
    const found = standing.get(key);
    if (sameTree(expected, found)) return [];
    const kind = expected === undefined ? 'added' : found === undefined ? 'deleted' : 'updated';
    return [{ key, kind, expected, found }];
  });
}

/** Whether both are absent, or mean the same to the router. */
export function sameTree(one: ConfigTree | undefined, other: ConfigTree | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return sameContent(new Map([['', one]]), new Map([['', other]]));
}

/** The policy of the longest path that `key` lies at or below; without any: report. */
export function policyFor(rules: readonly DriftRule[], key: string): DriftPolicy {
  const path = pathOfKey(key);
  const fitting = rules.filter((rule) => rule.path.every((name, index) => path[index] === name));
  const longest = fitting.reduce<DriftRule | undefined>(
    (best, rule) => (best === undefined || rule.path.length > best.path.length ? rule : best),
    undefined,
  );
  return longest?.policy ?? 'report';
}

/** What `applied` and what stands come to when only the paths in `kept` stay as others made them. */
export const mendedContent = (applied: OwnedContent, standing: OwnedContent, kept: ReadonlySet<string>): OwnedContent =>
  new Map([...[...applied].filter(([key]) => !kept.has(key)), ...[...standing].filter(([key]) => kept.has(key))]);

type Word = (name: string) => boolean;
const only =
  (word: string): Word =>
  (name) =>
    name === word;
const chosen: Word = () => true;
const ruleNumber: Word = (name) => /^[1-9]\d{0,5}$/.test(name);

/** Where Berth has anything on a router, word by word. */
const ownedShapes: readonly (readonly Word[])[] = [
  [only('nat'), only('destination'), only('rule'), ruleNumber],
  [
    ...[only('service'), only('dhcp-server'), only('shared-network-name'), chosen],
    ...[only('subnet'), isPrefix, only('static-mapping'), chosen],
  ],
];

/** Whether a path of Berth's can lie at or below `path`: differences are told rule by rule and mapping by mapping, not leaf by leaf. */
export const mayHoldOwnedPaths = (path: ConfigPath): boolean =>
  ownedShapes.some(
    (shape) =>
      path.length <= shape.length &&
      path.every((name, index) => name !== '' && !/\s/.test(name) && shape[index]?.(name) === true),
  );
