import type { Complain } from '../check-fields.ts';
import { includes, lengthOf, type NumberRange } from '../number-range.ts';
import { forwardablePorts } from '../pools/pool-segments.ts';
import { type Forward, type ForwardProtocol, ruleCount } from './forward.ts';
import type { TemplateForward } from './forward-template.ts';

/** A forward that a caller asks for; what is 0 or empty has a default. */
export interface ForwardWish {
  readonly name: string;
  readonly protocol: ForwardProtocol | undefined;
  readonly internalPort: number;
  /** 0: one port. */
  readonly internalPortEnd: number;
  readonly externalPort: number;
  /** 0: as many as there are internal ones, or as `externalPortCount` says. */
  readonly externalPortEnd: number;
  readonly externalPortCount: number;
  readonly sources: readonly string[];
  readonly description: string;
  readonly disabled: boolean;
}

/** The wish for a template's forward with nothing else said. */
export const plainWish = (name: string): ForwardWish => ({
  name,
  protocol: undefined,
  internalPort: 0,
  internalPortEnd: 0,
  externalPort: 0,
  externalPortEnd: 0,
  externalPortCount: 0,
  sources: [],
  description: '',
  disabled: false,
});

/** What a forward is when nothing else is said of it. */
export type ForwardDefaults = Pick<Forward, 'protocol' | 'internal' | 'sources' | 'description'>;

export const defaultsOf = ({ protocol, internalPort, sources, description }: TemplateForward): ForwardDefaults => ({
  protocol,
  internal: { first: internalPort, last: internalPort },
  sources,
  description,
});

/** What a wish comes to, with no numbers chosen yet; undefined when it names no internal port and there is no default. */
export function planForward(wish: ForwardWish, defaults: ForwardDefaults | undefined): Forward | undefined {
  const internal = wish.internalPort
    ? { first: wish.internalPort, last: wish.internalPortEnd || wish.internalPort }
    : defaults?.internal;
  if (internal === undefined) return undefined;
  const ranged = wish.externalPortEnd ? wish.externalPortEnd - wish.externalPort + 1 : 0;
  const externalCount = ranged || wish.externalPortCount || lengthOf(internal);
  return {
    name: wish.name,
    protocol: wish.protocol ?? defaults?.protocol ?? 'tcp',
    state: wish.disabled ? 'disabled' : 'enabled',
    internal,
    external: namedPorts(wish.externalPort, externalCount),
    externalCount,
    fixedPort: wish.externalPort,
    blockRule: null,
    ownRules: null,
    ofTemplate: false,
    sources: wish.sources.length > 0 ? wish.sources : (defaults?.sources ?? []),
    description: wish.description || (defaults?.description ?? ''),
  };
}

/** The run of ports from `first` on; null when no port is named: any of the pool. */
export const namedPorts = (first: number, count: number): NumberRange | null =>
  first === 0 ? null : { first, last: first + count - 1 };

/** How many rules one forward may have on the router. */
const maxRules = 64;
const allPorts: NumberRange = { first: 1, last: 65_535 };

/** What is wrong about a planned forward's ports, and how they and its sources fit together: the field and why. */
function shapeError(forward: Forward): readonly [field: string, message: string] | undefined {
  const { internal, external, externalCount, form } = forward;
  if (internal.last < internal.first) return ['internal_port_end', 'lies before the first port'];
  if (!includes(allPorts, internal)) return ['internal_port_end', 'must be from 1 to 65535'];
  if (externalCount < 1) return ['external_port_end', 'lies before the first port'];
  // An adopted one stays where people put it.
  if (external && form === undefined && !includes(forwardablePorts, external)) {
    return ['external_port', `must be from ${forwardablePorts.first} to ${forwardablePorts.last}`];
  }
  if (lengthOf(internal) !== 1 && externalCount !== lengthOf(internal)) {
    const internals = `as many as there are internal ports (${lengthOf(internal)})`;
    return ['external_port', `must be ${internals}, or lead to one internal port`];
  }
  const rules = ruleCount(forward);
  if (rules <= maxRules) return undefined;
  const fewer = 'fewer sources, or external ports equal to the internal ones, need fewer';
  return ['internal_port_end', `needs ${rules} rules on the router, more than ${maxRules}; ${fewer}`];
}

/** Complains about a planned forward whose parts do not fit together; `at` is where it stands in the request. */
export function checkShape(forward: Forward, at: string, complain: Complain): void {
  const error = shapeError(forward);
  if (error) complain(`${at}.${error[0]}`, error[1]);
}
