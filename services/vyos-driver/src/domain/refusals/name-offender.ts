import type { ConfigureOutcome, NamedObject } from '../answers/answer.ts';
import type { OwnedContent } from '../changes/plan.ts';
import { type ConfigTree, pathOfKey } from '../config-tree.ts';
import { asConfig, mappingsIn, rulesIn } from '../inventory/foreign-objects.ts';
import { isTree, valuesOf } from '../normal-tree.ts';
import { clashesWith } from './clashes-with.ts';

export { clashesWith, conflictOn, newlyContested } from './clashes-with.ts';

/** Whom a refusal names. */
export interface Offenders {
  readonly resourceIds: readonly string[];
  /** It names something that no resource of the batch has, and that cannot be refused because of one. */
  readonly namesStranger: boolean;
}

type Contents = ReadonlyMap<string, OwnedContent>;

const nobody: Offenders = { resourceIds: [], namesStranger: false };

/**
 * The resources of a refused batch that the refusal names. `contents`: what each asked for (for a removal, what it removes). Names nobody
 * rather than somebody who may be innocent; `blame.ts` finds them by halving.
 *
 * `router`: its configuration, when it was read: about two mappings with the same value the router names only one, and when that is
 * somebody else's, the one that clashes with it is to blame.
 */
export function resourcesNamed(
  outcome: ConfigureOutcome,
  contents: Contents,
  router?: { readonly config: ConfigTree; readonly ownedKeys: ReadonlySet<string> },
): Offenders {
  if (outcome.kind === 'refused_operation')
    return { resourceIds: ofOperation(outcome, contents), namesStranger: false };
  if (outcome.kind !== 'refused_commit') return nobody;
  const named = new Set<string>();
  let namesStranger = false;
  for (const object of outcome.named) {
    const owners = [...contents].filter(([, content]) => has(content, object)).map(([id]) => id);
    for (const id of owners) named.add(id);
    // Of a pair the unnamed one may be in the batch: that is no stranger's fault until halving has shown it.
    if (owners.length === 0 && !isPair(object)) namesStranger = true;
  }
  if (router !== undefined && named.size === 0 && outcome.named.some(isPair)) {
    for (const [id, content] of contents) {
      if (clashesWith(router.config, router.ownedKeys, content) !== undefined) named.add(id);
    }
  }
  return { resourceIds: [...named], namesStranger };
}

const isPair = (object: NamedObject): boolean => object.kind === 'mapping' && object.pair === true;

function has(content: OwnedContent, object: NamedObject): boolean {
  if (object.kind === 'foreign') return false;
  const config = asConfig(content);
  if (object.kind === 'rule') return rulesIn(config).some(({ number }) => number === String(object.number));
  if (object.kind === 'mapping') return mappingsIn(config).some(({ name }) => name === object.name);
  return mappingsIn(config).some(({ subnet }) => subnet === object.subnet);
}

function ofOperation(
  refusal: Extract<ConfigureOutcome, { kind: 'refused_operation' }>,
  contents: Contents,
): readonly string[] {
  const { path, value, text } = refusal;
  if (path !== undefined) return ofPath(path.join(' '), contents);
  const invalid = [...contents].filter(([, content]) => breaks(text, content)).map(([id]) => id);
  if (invalid.length > 0 || value === undefined) return invalid;
  const holders = [...contents].filter(([, content]) => mentions(content, value)).map(([id]) => id);
  // The value may be good at one leaf and bad at another, so it names only when one resource has it.
  return holders.length === 1 ? holders : [];
}

/** The resource below whose owned path the refused one lies. Blanks are no help: no owned path has one. */
const ofPath = (refused: string, contents: Contents): readonly string[] =>
  [...contents]
    .filter(([, content]) =>
      [...content.keys()].some((key) => `${refused} `.startsWith(`${pathOfKey(key).join(' ')} `)),
    )
    .map(([id]) => id);

const textsOf = (content: OwnedContent): readonly string[] =>
  [...content].flatMap(([key, tree]) => [...pathOfKey(key), ...leavesOf(tree)]);

const leavesOf = (tree: ConfigTree): readonly string[] =>
  Object.values(tree).flatMap((node) => (isTree(node) ? leavesOf(node) : valuesOf(node)));

const mentions = (content: OwnedContent, value: string): boolean => textsOf(content).includes(value);

type Check = (content: OwnedContent) => boolean;

/** Texts that name nothing, and what content they can be about. */
const silentRefusals: readonly (readonly [RegExp, Check])[] = [
  [
    /NAT rule number must be between/,
    (content) => rulesIn(asConfig(content)).some(({ number }) => !/^[1-9]\d{0,5}$/.test(number)),
  ],
  [
    /Invalid static mapping (?:host)?name/,
    (content) => mappingsIn(asConfig(content)).some(({ name }) => !/^[A-Za-z0-9][-.A-Za-z0-9]*$/.test(name)),
  ],
  [/Description too long/, (content) => textsOf(content).some((text) => text.length > 255)],
  [/Cannot use the single quote/, (content) => textsOf(content).some((text) => text.includes("'"))],
  [/Cannot use the double quote/, (content) => textsOf(content).some((text) => text.includes('"'))],
  [/Cannot use the newline/, (content) => textsOf(content).some((text) => /[\r\n]/.test(text))],
  [
    /^\s*Invalid value\s/,
    (content) =>
      mappingsIn(asConfig(content)).some(({ mac }) => mac !== '' && !/^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/.test(mac)),
  ],
];

const breaks = (text: string, content: OwnedContent): boolean =>
  silentRefusals.some(([pattern, check]) => pattern.test(text) && check(content));
