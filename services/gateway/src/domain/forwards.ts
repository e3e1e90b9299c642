import { type FieldChecks, WrongValue } from './field-checks.ts';
import { parseIpv4, parseNetwork } from './ipv4.ts';
import { parseRouterText } from './router-text.ts';

/** What a forward's name looks like. */
export const forwardNamePattern = '^[A-Za-z0-9]([A-Za-z0-9._-]{0,30}[A-Za-z0-9])?$';
/** At most so many forwards in one request. */
export const forwardsMaxCount = 64;

const forwardName = new RegExp(forwardNamePattern);
/** Taken by routes beside `/ports/{port_name}`. */
const reservedNames = ['template', 'status'];
const templateNames = ['ssh', 'http', 'https'];

/** Whether `text` can be a forward's name at all. */
export const canBeForwardName = (text: string): boolean => forwardName.test(text);

/** A forward as a caller asks for it. */
export interface ForwardInput {
  readonly name: string;
  readonly internal_port?: number;
  readonly external_port?: number;
  readonly protocol?: 'tcp' | 'udp' | 'both' | 'tcp_udp';
  readonly source?: string;
  readonly description?: string;
  readonly enabled?: boolean;
}

/** The forwards that a VM shall have, from names of the template and full descriptions. What is wrong is noted in `checks`. */
export function parseForwards(ports: readonly (string | ForwardInput)[], checks: FieldChecks): readonly ForwardInput[] {
  const seen = new Map<string, number>();
  const taken = new Map<string, number>();
  return ports.map((port, index) => {
    const field = `ports[${index}]`;
    const forward = typeof port === 'string' ? { name: port } : port;
    const nameField = typeof port === 'string' ? field : `${field}.name`;
    checks.of(nameField, () => checkName(forward, seen.get(forward.name)));
    seen.set(forward.name, index);
    checks.of(`${field}.external_port`, () => checkExternalPort(forward, taken, index));
    checks.of(`${field}.source`, () => checkSource(forward.source));
    checks.of(`${field}.description`, () => parseRouterText(forward.description ?? ''));
    return forward;
  });
}

function checkName(forward: ForwardInput, earlier: number | undefined): void {
  const { name } = forward;
  if (reservedNames.includes(name)) throw new WrongValue('is a reserved name');
  if (earlier !== undefined) throw new WrongValue(`is already the name of ports[${earlier}]`);
  if (forward.internal_port === undefined && !templateNames.includes(name)) {
    throw new WrongValue(`needs an internal_port: only ${templateNames.join(', ')} have one by default`);
  }
}

function checkExternalPort(forward: ForwardInput, taken: Map<string, number>, index: number): void {
  if (forward.external_port === undefined) return;
  const protocols = { tcp: ['tcp'], udp: ['udp'], both: ['tcp', 'udp'], tcp_udp: ['tcp', 'udp'] }[
    forward.protocol ?? 'tcp'
  ];
  for (const protocol of protocols) {
    const key = `${forward.external_port}/${protocol}`;
    const other = taken.get(key);
    if (other !== undefined) throw new WrongValue(`is already the external port of ports[${other}]`);
    taken.set(key, index);
  }
}

function checkSource(source: string | undefined): void {
  if (source === undefined) return;
  if (source.includes('/')) parseNetwork(source);
  else parseIpv4(source);
}
