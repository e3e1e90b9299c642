import type { Forward } from './forward.ts';

/** As a path of the REST API takes it; two words mean something else there. */
const canBeName = (text: string): boolean =>
  /^[A-Za-z0-9]([A-Za-z0-9._-]{0,30}[A-Za-z0-9])?$/.test(text) && !['template', 'status'].includes(text.toLowerCase());

const wellKnown: Readonly<Record<number, string>> = { 22: 'ssh', 80: 'http', 443: 'https' };

/**
 * A name for an adopted rule's forward that none of `taken` (in lower case) has: its description where that is a name, what its internal
 * port is known by, or that port.
 */
export function nameForward(forward: Forward, taken: ReadonlySet<string>): string {
  const { description, internal, protocol, ownRules } = forward;
  const port = internal.first;
  // "SSH" beside a template's "ssh" would make two that people cannot tell apart.
  const usual = Object.values(wellKnown).find((name) => name === description.toLowerCase());
  const names = [
    ...(canBeName(description) ? [usual ?? description] : []),
    ...(wellKnown[port] ? [wellKnown[port]] : []),
    `p${port}`,
    `p${port}-${protocol}`,
  ];
  const last = `p${port}-rule-${ownRules?.first ?? 0}`;
  return names.find((name) => !taken.has(name.toLowerCase())) ?? last;
}
