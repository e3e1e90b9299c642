import { type Static, Type } from 'typebox';
import { forwardNamePattern, forwardsMaxCount, internalPortBounds } from '../../../domain/forwards/forwards.ts';
import { sourcesMaxCount } from '../../../domain/forwards/sources.ts';
import { portRangeBounds } from '../../../domain/port-range.ts';
import { routerTextMaxLength } from '../../../domain/router-text.ts';
import { nullable, strict } from '../json-types.ts';

const nameOptions = { pattern: forwardNamePattern, maxLength: 32 } as const;

/** A forward's name. */
export const forwardName = Type.String(nameOptions);

const runOf = (bounds: { minimum: number; maximum: number }, description: string) =>
  Type.Union(
    [
      Type.Object({ first: Type.Integer(bounds), last: Type.Integer(bounds) }, strict),
      Type.String({ maxLength: 11, description: 'For example `8000-8010`.' }),
    ],
    { description },
  );

const internalPort = Type.Integer({ ...internalPortBounds, description: 'The port on the VM.' });
const internalPorts = runOf(internalPortBounds, 'Ports on the VM instead of one: {first, last} or `8000-8010`.');
const externalPort = Type.Integer({
  ...portRangeBounds,
  description: 'The port on the external address, or the first of as many as there are internal ones.',
});
const externalPorts = runOf(
  portRangeBounds,
  'Ports on the external address: as many as internal ones, or any number for one internal port.',
);
const protocol = Type.Enum(['tcp', 'udp', 'tcp_udp', 'both'], { description: '`both` is another word for `tcp_udp`.' });
const source = Type.String({ maxLength: 18, description: 'Only this IPv4 address or network may use it.' });
const sources = Type.Array(Type.String({ maxLength: 18 }), {
  maxItems: sourcesMaxCount,
  description: 'Only these IPv4 addresses and networks may use it. Empty: any.',
});
const description = Type.String({
  maxLength: routerTextMaxLength,
  description: 'For people; stands on the router. No quotes, line breaks, control characters or leading blank.',
});
const enabled = Type.Boolean({ description: 'A disabled forward keeps its rule and does nothing.' });

/** A forward that shall be made. */
export const newForward = Type.Object(
  {
    name: Type.String({
      ...nameOptions,
      description:
        'Unique in its VM. A name of the template has a default for all that is not given; `template` and `status` are reserved.',
    }),
    protocol: Type.Optional(protocol),
    internal_port: Type.Optional(internalPort),
    internal_ports: Type.Optional(internalPorts),
    external_port: Type.Optional(externalPort),
    external_ports: Type.Optional(externalPorts),
    external_port_count: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: portRangeBounds.maximum - portRangeBounds.minimum + 1,
        description: 'So many external ports of the pool lead to the one internal port.',
      }),
    ),
    source: Type.Optional(source),
    sources: Type.Optional(sources),
    description: Type.Optional(description),
    enabled: Type.Optional(enabled),
  },
  {
    ...strict,
    description:
      'A forward. Protocol `tcp`, external ports of the pool, any source and enabled unless it says otherwise.',
  },
);

const changes = {
  protocol: Type.Optional(protocol),
  internal_port: Type.Optional(internalPort),
  internal_ports: Type.Optional(internalPorts),
  external_port: Type.Optional(nullable(externalPort)),
  external_ports: Type.Optional(externalPorts),
  source: Type.Optional(nullable(source)),
  sources: Type.Optional(nullable(sources)),
  description: Type.Optional(nullable(description)),
  enabled: Type.Optional(enabled),
};
const meaningOfNull = '`external_port: null` takes another one of the pool, `sources: null` lets any use it.';

/** What `POST …/forwards` takes. */
export const createForwardsBody = Type.Union(
  [newForward, Type.Object({ forwards: Type.Array(newForward, { minItems: 1, maxItems: forwardsMaxCount }) }, strict)],
  {
    description: 'One forward, or several as {forwards}.',
    examples: [
      { name: 'postgres', internal_port: 5432, sources: ['198.51.100.0/24'] },
      { forwards: [{ name: 'ssh' }, { name: 'rtp', protocol: 'udp', internal_ports: '10000-10019' }] },
    ],
  },
);

/** What `PATCH …/forwards/{name}` takes. */
export const forwardChangeBody = Type.Object(
  { name: Type.Optional(Type.String({ ...nameOptions, description: 'Its new name.' })), ...changes },
  {
    ...strict,
    minProperties: 1,
    description: `What is not given stays. ${meaningOfNull}`,
    examples: [{ enabled: false }, { external_port: 40_022, sources: ['198.51.100.7', '192.0.2.0/24'] }],
  },
);

/** What `PATCH …/forwards` takes. */
export const changeForwardsBody = Type.Object(
  {
    create: Type.Optional(Type.Array(newForward, { maxItems: forwardsMaxCount })),
    update: Type.Optional(
      Type.Array(
        Type.Object(
          {
            name: Type.String({ ...nameOptions, description: 'Which one.' }),
            new_name: Type.Optional(Type.String({ ...nameOptions, description: 'Its new name.' })),
            ...changes,
          },
          { ...strict, description: `What is not given stays. ${meaningOfNull}` },
        ),
        { maxItems: forwardsMaxCount },
      ),
    ),
    delete: Type.Optional(Type.Array(forwardName, { maxItems: forwardsMaxCount, description: 'Names.' })),
  },
  {
    ...strict,
    minProperties: 1,
    description: 'Each name in one of the lists only.',
    examples: [
      {
        create: [{ name: 'dns', internal_port: 53, protocol: 'tcp_udp' }],
        update: [{ name: 'ssh', sources: ['198.51.100.0/24'] }],
        delete: ['http'],
      },
    ],
  },
);

export const exampleForward = {
  name: 'ssh',
  status: 'enabled',
  protocol: 'tcp',
  internal_port: 22,
  internal_port_end: 22,
  external_port: 32_000,
  external_port_end: 32_000,
  nat_rule_number: 10_000,
  nat_rule_numbers: [10_000],
  source: null,
  sources: [],
  description: 'web-01 ssh',
};

export const forwardDocument = Type.Object(
  {
    name: Type.String(),
    status: Type.Enum(['enabled', 'disabled'], { description: '`disabled`: the rule is there and does nothing.' }),
    protocol: Type.Enum(['tcp', 'udp', 'tcp_udp']),
    internal_port: Type.Integer({ description: 'The (first) port on the VM.' }),
    internal_port_end: Type.Integer({ description: 'The last one.' }),
    external_port: Type.Integer({ description: 'The (first) port on the external address.' }),
    external_port_end: Type.Integer({ description: 'The last one.' }),
    nat_rule_number: Type.Integer({ description: 'Its rule on the router; of several the first.' }),
    nat_rule_numbers: Type.Array(Type.Integer()),
    source: nullable(Type.String({ description: 'The first of the sources; null: any.' })),
    sources: Type.Array(Type.String(), { description: 'Who may use it. Empty: any.' }),
    description: nullable(Type.String()),
  },
  { $id: 'Forward', description: 'A forward as it stands on the router.', examples: [exampleForward] },
);
export type ForwardDocument = Static<typeof forwardDocument>;

export const vmForwards = Type.Object(
  { machine_id: Type.String(), forwards: Type.Array(Type.Unsafe<ForwardDocument>({ $ref: 'Forward#' })) },
  {
    $id: 'VmForwards',
    description: 'A VM’s forwards.',
    examples: [{ machine_id: 'web-01', forwards: [exampleForward] }],
  },
);
export type VmForwards = Static<typeof vmForwards>;

export const changedForwards = Type.Object(
  {
    status: Type.Literal('success'),
    machine_id: Type.String(),
    forwards: Type.Array(Type.Unsafe<ForwardDocument>({ $ref: 'Forward#' })),
  },
  {
    $id: 'ChangedForwards',
    description: 'All of the VM’s forwards as they stand now.',
    examples: [{ status: 'success', machine_id: 'web-01', forwards: [exampleForward] }],
  },
);
export type ChangedForwards = Static<typeof changedForwards>;
