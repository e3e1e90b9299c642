import type { NamedObject } from './answer.ts';

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', amp: '&' };

/** `text` with the entities resolved that the API puts into error texts since 1.5. */
export const withoutEntities = (text: string): string =>
  text
    .replace(/&(lt|gt|quot);/g, (all, name: string) => entities[name] ?? all)
    .replace(/&#(?:x([0-9a-f]{1,6})|(\d{1,7}));/gi, (all, hex?: string, decimal?: string) => {
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : all;
    })
    .replaceAll('&amp;', '&');

/** `text` as it was before the router wrapped it at 72 columns (it also breaks after a hyphen), in one line. */
export const foldedText = (text: string): string =>
  withoutEntities(text)
    .replace(/(\S)-\n(?=\S)/g, '$1-')
    .replace(/\s+/g, ' ')
    .trim();

/**
 * The text without the remarks that the router makes besides: each commit repeats those about every other rule of the component, so
 * nobody may be blamed for what they name. A remark ends at an empty line or where a component's block begins or ends.
 */
const withoutWarnings = (text: string): string =>
  text.replace(/(^|\n)(?:[A-Z]\w+)?WARNING: [\s\S]*?(?=\n[ \t]*\n|\n\[|$)/g, '$1');

/** The components whose commit was refused, e.g. `nat` and `service dhcp-server`: what the text does not name may have been applied. */
export function failedComponents(text: string): readonly string[] {
  const folded = foldedText(text);
  const failed = [...folded.matchAll(/\[\[([^\]]+)\]\] failed/g), ...folded.matchAll(/delete \[ ([^\]]+) \] failed/g)];
  return [...new Set(failed.map((match) => (match[1] ?? '').trim()).filter((name) => name !== ''))];
}

type Reader = (match: RegExpMatchArray) => NamedObject;

const foreign: Reader = (match) => ({ kind: 'foreign', name: match[0] });
const mapping: Reader = (match) => ({ kind: 'mapping', name: match[1] ?? '' });
const pair: Reader = (match) => ({ kind: 'mapping', name: match[1] ?? '', pair: true });
const rule: Reader = (match) =>
  // "007" is a rule of its own beside "7", and Berth writes no leading noughts.
  /^[1-9]\d*$/.test(match[1] ?? '') ? { kind: 'rule', number: Number(match[1]) } : foreign(match);
const subnet: Reader = (match) => ({ kind: 'subnet', subnet: match[1] ?? '' });

/** The texts of the commit scripts (vyos-1x `nat.py`, `service_dhcp-server.py`), folded, and what they name. */
const refusals: readonly (readonly [RegExp, Reader])[] = [
  [/Destination NAT configuration error in rule (\S+?):/g, rule],
  [/cannot specify both interface group and interface name for destination nat rule "([^"]+)"/g, rule],
  [/(?:Source|Static) NAT configuration error in rule \S+?:/g, foreign],
  [
    /Invalid (?:\S+-group|interface group) "[^"]+" on (?:source |destination |static )?(?:nat|firewall) rule/gi,
    foreign,
  ],
  [/\S+-group and (?:address|port) cannot both be defined/g, foreign],
  [/Only one (?:of address|address-group)[^[]*? can be specified/g, foreign],
  [/Configured (?:IP address|MAC address|DUID) for static mapping "([^"]+)" already exists/g, pair],
  [/Configured static lease address for mapping "([^"]+)" is not within/g, mapping],
  [/is required for static mapping "([^"]+)"/g, mapping],
  [/MAC address required for static mapping "([^"]+)"/g, mapping],
  [/Unique subnet ID not specified for subnet "([^"]+)"/g, subnet],
  [/Subnet ID for subnet "[^"]+" is not unique/g, foreign],
  [/DHCP range "[^"]+" (?:start|stop)[^[]*?!/g, foreign],
  [/Range "[^"]+" (?:start|stop) address "[^"]+" already part of another range!/g, foreign],
  [/Excluded IP address "[^"]+" not within/g, foreign],
  [/No subnets defined for \S+\./g, foreign],
  [/Conflicting subnet ranges: "[^"]+" overlaps "[^"]+"/g, foreign],
  [/Configured subnets must be unique! Subnet "[^"]+"/g, foreign],
  [/At least one shared network must be active!/g, foreign],
  [/listen-address "[^"]+" not configured on any interface/g, foreign],
  [/None of the configured subnets have an appropriate primary IP address/g, foreign],
  [/DHCP (?:high-availability|failover) requires "[^"]+" to be specified!/g, foreign],
];

/** The components that Berth writes to. A refusal of any other cannot be about what Berth sent. */
const ownComponents: ReadonlySet<string> = new Set(['nat', 'service dhcp-server']);

/** The objects that the error texts of a refused commit name; never one that only a remark names. */
export function namedObjects(text: string): readonly NamedObject[] {
  const folded = foldedText(withoutWarnings(withoutEntities(text)));
  const named = refusals.flatMap(([pattern, read]) => [...folded.matchAll(pattern)].map(read));
  const strangers = failedComponents(text)
    .filter((component) => !ownComponents.has(component))
    .map((name): NamedObject => ({ kind: 'foreign', name }));
  const all = [...named, ...strangers];
  return [...new Map(all.map((object) => [JSON.stringify(object), object])).values()];
}

/** What the text of a refused set or delete names: its path, or the value that a validator found wrong. */
export function refusedOperation(text: string): { readonly path?: readonly string[]; readonly value?: string } {
  // Not folded: a value may hold several blanks, and these texts are not wrapped.
  const plain = withoutEntities(text);
  const path =
    /(?:Configuration path: |Cannot delete )\[([^\n]*)\](?: is not valid| requires a value|: path\/value)/.exec(plain);
  if (path?.[1] !== undefined) return { path: path[1].split(' ') };
  const value =
    /^Malformed range (.+?): must be a pair/m.exec(plain) ??
    /^Error: (.+?) is not a valid /m.exec(plain) ??
    /^'(.+?)' is not a valid number/m.exec(plain);
  return value?.[1] === undefined ? {} : { value: value[1] };
}
