import type { ConfigLeaf, Forward, ForwardProtocol } from '../forwards/forward.ts';
import { parseIpv4, parsePrefix } from '../ipv4.ts';
import { lengthOf, type NumberRange } from '../number-range.ts';
import { forwardablePorts } from '../pools/pool-segments.ts';
import { isRouterText } from '../text-rules.ts';
import type { FoundRule } from './adoption.ts';

/** Why something cannot be adopted, as a sentence that goes on from its name: "has a port list 80,443: …". */
export interface NotAdoptable {
  readonly reason: string;
}

export const isAdoptable = <T extends object>(read: T | NotAdoptable): read is T => !('reason' in read);

/** What else may stand in a rule, without a change to which packets go where. */
const ruleExtras = ['log', 'packet-type'];
const leafName = /^[^\s"'\p{Cc}]{1,255}$/u;

class No extends Error {}

/** The rule as a forward that has no name yet, with its number as one of its own; or why it cannot be one. */
export function forwardOfRule(rule: FoundRule): Forward | NotAdoptable {
  try {
    return read(rule);
  } catch (error) {
    if (error instanceof No) return { reason: error.message };
    throw error;
  }
}

function read(rule: FoundRule): Forward {
  assertKept(rule);
  const external = portsOf(rule.destinationPort, 'destination port');
  const keepsPort = rule.translationPort === '';
  const internal = keepsPort ? external : portsOf(rule.translationPort, 'translation port');
  if (lengthOf(internal) > 1 && (internal.first !== external.first || internal.last !== external.last)) {
    throw new No(
      `leads ports ${rule.destinationPort} to ${rule.translationPort}: Berth keeps a range only where it leads to the same ports, or to one`,
    );
  }
  return {
    name: '',
    protocol: protocolOf(rule),
    state: rule.disabled ? 'disabled' : 'enabled',
    internal,
    external,
    externalCount: lengthOf(external),
    // Made again after a deletion, it asks for the port that people chose, where Berth may give that.
    fixedPort: external.first >= forwardablePorts.first ? external.first : 0,
    blockRule: null,
    ownRules: { first: rule.number, last: rule.number },
    ofTemplate: false,
    sources: rule.sourceAddress === '' ? [] : [rule.sourceAddress],
    description: rule.description,
    form: {
      inboundInterface: rule.inboundInterface,
      destinationAddress: rule.destinationAddress,
      keepsPort,
      extra: rule.extra,
    },
  };
}

/** Throws what keeps the rule from being kept word for word. */
function assertKept({ destinationAddress, sourceAddress, inboundInterface, description, extra }: FoundRule): void {
  const unknown = extra.find(({ path }) => !ruleExtras.includes(path[0] ?? ''));
  if (unknown)
    throw new No(`has ${shown(unknown)}, which a forward of Berth cannot say: remove it from the rule first`);
  assertPlain(extra);
  if (destinationAddress !== '' && parseIpv4(destinationAddress) === undefined) {
    throw new No(`has the destination address ${destinationAddress}, which is not a single one: name one, or none`);
  }
  if (sourceAddress !== '' && parseIpv4(sourceAddress) === undefined && parsePrefix(sourceAddress) === undefined) {
    throw new No(`has the source address ${sourceAddress}, which is neither an address nor a network`);
  }
  if (inboundInterface !== '' && !/^[^\s"'\p{Cc}/\\?*{}]{1,100}$/u.test(inboundInterface)) {
    throw new No(`has the inbound interface ${inboundInterface}, which is not a single one: name one, or none`);
  }
  if (!isRouterText(description)) throw new No('has a description with quotes or control characters: change it first');
}

/** Throws when the leaves cannot be sent to a router as they are. */
function assertPlain(extra: readonly ConfigLeaf[]): void {
  const odd = oddLeaf(extra);
  if (odd) throw new No(`has ${shown(odd)} with quotes or control characters: change it first`);
}

/** The first leaf with characters that Berth never sends to a router. */
export const oddLeaf = (extra: readonly ConfigLeaf[]): ConfigLeaf | undefined =>
  extra.find(
    ({ path, values }) =>
      !path.every((name) => leafName.test(name)) || !values.every((value) => value !== '' && isRouterText(value)),
  );

export const shown = ({ path }: ConfigLeaf): string => `"${path.join(' ')}"`;

function protocolOf({ protocol }: FoundRule): ForwardProtocol {
  if (protocol === 'tcp' || protocol === 'udp' || protocol === 'tcp_udp') return protocol;
  throw new No(
    `${protocol === '' ? 'has no protocol' : `has the protocol ${protocol}`}: forwards are tcp, udp or tcp_udp`,
  );
}

function portsOf(text: string, what: string): NumberRange {
  if (text === '') throw new No(`has no ${what}, so it takes all of them: name the ports`);
  if (text.includes(',')) throw new No(`has a port list ${text}: split it into one rule for each on the router first`);
  if (text.startsWith('!')) throw new No(`has the ${what} ${text}, which is all others: name the ports`);
  const [, first, last] = /^([1-9]\d{0,4})(?:-([1-9]\d{0,4}))?$/.exec(text) ?? [];
  if (first === undefined) throw new No(`has the ${what} ${text}: write it as a number on the router first`);
  const range = { first: Number(first), last: Number(last ?? first) };
  if (range.last < range.first || range.last > 65_535)
    throw new No(`has the ${what} ${text}, which is no range of ports`);
  return range;
}
