import { type FieldChecks, WrongValue } from '../field-checks.ts';
import { parseIpv4, parseNetwork } from '../ipv4.ts';

/** At most so many sources of one forward: each is a rule on the router. */
export const sourcesMaxCount = 16;

/** An IPv4 address, or a network without host bits. */
export function parseSource(text: string): string {
  if (text.includes('/')) parseNetwork(text);
  else parseIpv4(text);
  return text;
}

/** Sources that are all different. What is wrong is noted in `checks`, below the field `at`. */
export function parseSources(sources: readonly string[], at: string, checks: FieldChecks): readonly string[] {
  for (const [index, source] of sources.entries()) {
    checks.of(`${at}[${index}]`, () => {
      const earlier = sources.indexOf(source);
      if (earlier < index) throw new WrongValue(`is already ${at}[${earlier}]`);
      return parseSource(source);
    });
  }
  return sources;
}
