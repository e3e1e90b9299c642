import type { FieldChecks } from '../field-checks.ts';
import { portRangeBounds } from '../port-range.ts';
import { parseRouterText } from '../router-text.ts';
import { lengthOf, type PortRun, type PortRunInput, parsePortRun } from './port-run.ts';
import { parseSource, parseSources } from './sources.ts';

/** What a forward's name looks like. */
export const forwardNamePattern = '^[A-Za-z0-9]([A-Za-z0-9._-]{0,30}[A-Za-z0-9])?$';
/** At most so many forwards in one request. */
export const forwardsMaxCount = 100;
/** Ports of a VM. */
export const internalPortBounds = { minimum: 1, maximum: 65_535 } as const;

const forwardName = new RegExp(forwardNamePattern);

/** Whether `text` can be a forward's name at all. */
export const canBeForwardName = (text: string): boolean => forwardName.test(text);

/** The words for a forward's protocol; two of them mean the same. */
export type ProtocolWord = 'tcp' | 'udp' | 'both' | 'tcp_udp';

/** A forward, or a change of one, as a caller writes it. */
export interface ForwardInput {
  readonly protocol?: ProtocolWord;
  readonly internal_port?: number;
  readonly internal_ports?: PortRunInput;
  readonly external_port?: number | null;
  readonly external_ports?: PortRunInput;
  readonly external_port_count?: number;
  readonly source?: string | null;
  readonly sources?: readonly string[] | null;
  readonly description?: string | null;
  readonly enabled?: boolean;
}

/** What a forward shall be. What is undefined was not given. */
export interface ForwardWish {
  readonly protocol: ProtocolWord | undefined;
  readonly internal: PortRun | undefined;
  /** null: whatever the pool gives. */
  readonly external: PortRun | null | undefined;
  readonly externalCount: number | undefined;
  /** Empty: any. */
  readonly sources: readonly string[] | undefined;
  readonly description: string | undefined;
  readonly enabled: boolean | undefined;
}

/** The path of a member of the object at `at`; '' is the body itself. */
export const below = (at: string, name: string): string => (at === '' ? name : `${at}.${name}`);

/** What a caller wants of the forward written at `at`. What is wrong is noted in `checks`. */
export function parseForward(input: ForwardInput, at: string, checks: FieldChecks): ForwardWish {
  const { description } = input;
  const internal = runOf(input, 'internal_port', at, checks);
  return {
    protocol: input.protocol,
    internal,
    external: externalOf(input, internal, at, checks),
    externalCount: countOf(input, internal, at, checks),
    sources: sourcesOf(input, at, checks),
    description: checks.of(below(at, 'description'), () =>
      description === null ? '' : description && parseRouterText(description),
    ),
    enabled: input.enabled,
  };
}

/** The run that is given as one port or as a range, but not as both. */
function runOf(
  input: ForwardInput,
  name: 'internal_port' | 'external_port',
  at: string,
  checks: FieldChecks,
): PortRun | undefined {
  const { [name]: port, [`${name}s` as const]: ports } = input;
  const field = below(at, `${name}s`);
  if (ports === undefined) return typeof port === 'number' ? { first: port, last: port } : undefined;
  if (port !== undefined) checks.add(field, `must not be given together with ${name}`);
  return checks.of(field, () => parsePortRun(ports, name === 'internal_port' ? internalPortBounds : portRangeBounds));
}

/** As many external ports as internal ones, or any number of them for one internal port. */
function externalOf(
  input: ForwardInput,
  internal: PortRun | undefined,
  at: string,
  checks: FieldChecks,
): PortRun | null | undefined {
  const external = runOf(input, 'external_port', at, checks);
  if (external === undefined) return input.external_port === null ? null : undefined;
  const count = internal === undefined ? 1 : lengthOf(internal);
  if (input.external_ports !== undefined) {
    if (count > 1 && lengthOf(external) !== count)
      checks.add(below(at, 'external_ports'), `must be as many as the ${count} internal ports`);
    return external;
  }
  const last = external.first + count - 1;
  if (last > portRangeBounds.maximum)
    checks.add(below(at, 'external_port'), `leaves no room for ${count} ports up to ${portRangeBounds.maximum}`);
  return { first: external.first, last };
}

function countOf(
  input: ForwardInput,
  internal: PortRun | undefined,
  at: string,
  checks: FieldChecks,
): number | undefined {
  const { external_port_count, external_port, external_ports } = input;
  if (external_port_count === undefined) return undefined;
  const field = below(at, 'external_port_count');
  if (external_port !== undefined || external_ports !== undefined)
    checks.add(field, 'must not be given together with the external ports');
  if (internal !== undefined && lengthOf(internal) > 1) checks.add(field, 'is for one internal port only');
  return external_port_count;
}

function sourcesOf(input: ForwardInput, at: string, checks: FieldChecks): readonly string[] | undefined {
  const { source, sources } = input;
  if (source !== undefined && sources !== undefined)
    checks.add(below(at, 'sources'), 'must not be given together with source');
  if (typeof source === 'string') {
    const parsed = checks.of(below(at, 'source'), () => parseSource(source));
    return parsed === undefined ? undefined : [parsed];
  }
  if (Array.isArray(sources)) return parseSources(sources, below(at, 'sources'), checks);
  return source === null || sources === null ? [] : undefined;
}
