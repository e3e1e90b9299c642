import { type TSchema, Type } from 'typebox';
import { poolNamePattern } from '../../../domain/pools/pool-terms.ts';
import { rangesMaxCount } from '../../../domain/pools/value-spans.ts';
import { portRangeBounds } from '../../../domain/port-range.ts';
import { routerTextMaxLength } from '../../../domain/router-text.ts';
import { nullable, strict } from '../json-types.ts';

/** Ports that may be denied. */
export const portBounds = { minimum: 1, maximum: 65_535 } as const;
/** Numbers of destination NAT rules. */
export const ruleBounds = { minimum: 1, maximum: 999_999 } as const;
/** Names of routers and groups. */
export const label = { pattern: '^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$', maxLength: 64 } as const;

const address = (description: string) => Type.String({ maxLength: 45, description });
const network = (description: string) => Type.String({ maxLength: 49, description });
const list = <T extends TSchema>(items: T, description: string) =>
  Type.Array(items, { maxItems: rangesMaxCount, description });

const addresses = (description: string) =>
  list(
    Type.Union([
      Type.String({ maxLength: 100 }),
      Type.Object(
        { first: Type.String({ maxLength: 45 }), last: Type.Optional(Type.String({ maxLength: 45 })) },
        strict,
      ),
    ]),
    `${description} {first, last}, or as text: \`10.0.0.5\`, \`10.0.0.5-10.0.0.9\`, \`10.0.0.0/28\`.`,
  );

const numberSpan = (bounds: { minimum: number; maximum: number }) =>
  Type.Union([
    Type.Integer(bounds),
    Type.String({ maxLength: 40 }),
    Type.Object({ first: Type.Integer(bounds), last: Type.Optional(Type.Integer(bounds)) }, strict),
    Type.Object({ start: Type.Integer(bounds), end: Type.Optional(Type.Integer(bounds)) }, strict),
  ]);
const numbers = (bounds: { minimum: number; maximum: number }, description: string) =>
  list(numberSpan(bounds), `${description} {first, last}, {start, end}, a number, or as text: \`32000-32099\`.`);

const name = Type.String({
  pattern: poolNamePattern,
  maxLength: 63,
  description: 'Unique among the pools of its kind, compared as written.',
});
const router = Type.String({ ...label, description: 'The router whose values it holds. Default: the default router.' });

/** What all kinds have. */
const common = {
  description: Type.Optional(Type.String({ maxLength: 1_000, description: 'For people.' })),
  groups: Type.Optional(
    Type.Array(Type.String(label), {
      maxItems: 100,
      uniqueItems: true,
      description: 'The groups whose VMs may have values from it. An empty list: all.',
    }),
  ),
  default: Type.Optional(
    Type.Boolean({
      description:
        'VMs that name no pool get their values from it: those of `groups`, or of every group that has no default of its own. It takes the place of the one before.',
    }),
  ),
  state: Type.Optional(
    Type.Enum(['active', 'draining', 'disabled'], {
      description: '`draining` and `disabled` hand out nothing; what is held stays. Default `active`.',
    }),
  ),
  alert_thresholds: Type.Optional(
    Type.Array(Type.Number({ exclusiveMinimum: 0, maximum: 1 }), {
      maxItems: 10,
      description: 'Fractions of use at which an alert is raised, ascending. Empty: 0.8 and 0.95.',
    }),
  ),
};

const ipFields = {
  cidr: Type.Optional(network('The same as `cidrs` with this one.')),
  cidrs: Type.Optional(list(network('Such as `10.10.0.0/24`.'), 'Networks whose addresses it holds.')),
  ranges: Type.Optional(addresses('Further addresses:')),
  exclusions: Type.Optional(addresses('Never handed out, like network, broadcast and gateway address:')),
  gateway: Type.Optional(nullable(address('The subnet’s default gateway. null: what the router says.'))),
  dns: Type.Optional(
    Type.Array(address('A name server.'), {
      maxItems: 16,
      description: 'What the subnet’s hosts are given, for people. Empty: what the router says.',
    }),
  ),
  lease_seconds: Type.Optional(
    nullable(Type.Integer({ minimum: 1, maximum: 4_294_967_295, description: 'null: what the router says.' })),
  ),
  dhcp_network: Type.Optional(
    nullable(
      Type.String({
        pattern: '^[A-Za-z0-9._-]{1,64}$',
        maxLength: 64,
        description: 'The shared network that mappings go into. null: that of the subnet.',
      }),
    ),
  ),
  subnet: Type.Optional(
    nullable(network('The DHCP subnet that mappings go into. null: the one that holds the addresses.')),
  ),
  subnet_id: Type.Optional(
    nullable(
      Type.Integer({
        minimum: 1,
        maximum: 4_294_967_294,
        description: 'The subnet’s id on the router (VyOS 1.5). null: what the router says.',
      }),
    ),
  ),
};

const portFields = {
  external_ip: Type.Optional(nullable(address('The router’s address that forwards are on. null: the router’s.'))),
  interface: Type.Optional(
    nullable(
      Type.String({
        pattern: '^[A-Za-z0-9._-]{1,15}$',
        maxLength: 15,
        description: 'The interface that packets come in on. null: the router’s.',
      }),
    ),
  ),
  ranges: Type.Optional(numbers(portRangeBounds, 'Its ports:')),
  port_range: Type.Optional(numberSpan(portRangeBounds)),
  denied: Type.Optional(numbers(portBounds, 'Never handed out:')),
  protocols: Type.Optional(
    Type.Array(Type.Enum(['tcp', 'udp']), { maxItems: 2, uniqueItems: true, description: 'Empty: both.' }),
  ),
};

const ruleFields = {
  ranges: Type.Optional(numbers(ruleBounds, 'Its rule numbers:')),
  exclusions: Type.Optional(numbers(ruleBounds, 'Never handed out:')),
};

const updating = {
  ...strict,
  minProperties: 1,
  description: 'What is not given stays. A list takes the place of the one before.',
};

/** What making a pool of each kind takes. */
export const newPoolBodies = {
  'ip-pools': Type.Object(
    { name, router: Type.Optional(router), ...common, ...ipFields },
    {
      ...strict,
      examples: [
        { name: 'edge', cidr: '10.10.2.0/24', exclusions: ['10.10.2.1-10.10.2.9'], groups: ['blue'] },
        { name: 'lab', ranges: [{ first: '10.10.3.50', last: '10.10.3.99' }], gateway: '10.10.3.1' },
      ],
    },
  ),
  'port-pools': Type.Object(
    { name, router: Type.Optional(router), ...common, ...portFields },
    { ...strict, examples: [{ name: 'edge', ranges: ['33000-33999'], denied: [33_389], protocols: ['tcp'] }] },
  ),
  'rule-pools': Type.Object(
    { name, router: Type.Optional(router), ...common, ...ruleFields },
    { ...strict, examples: [{ name: 'edge', ranges: [{ first: 20_000, last: 29_999 }] }] },
  ),
};

/** What changing a pool of each kind takes. */
export const poolChangeBodies = {
  'ip-pools': Type.Object(
    { ...common, ...ipFields },
    { ...updating, examples: [{ description: 'second floor', exclusions: ['10.10.2.1-10.10.2.19'] }] },
  ),
  'port-pools': Type.Object({ ...common, ...portFields }, { ...updating, examples: [{ denied: [33_389, 33_390] }] }),
  'rule-pools': Type.Object({ ...common, ...ruleFields }, { ...updating, examples: [{ state: 'draining' }] }),
};

const reserved = {
  count: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 16_777_216, description: 'How many neighbours. Default 1.' }),
  ),
  note: Type.Optional(Type.String({ maxLength: routerTextMaxLength, description: 'Why, for people.' })),
  lifetime_seconds: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 315_360_000, description: 'It ends by itself then. Default: it does not.' }),
  ),
};
const whichFirst = 'The first value. Default: the lowest free run of `count`.';
const whichLast = 'The last value, instead of `count`.';
const numberEnds = (bounds: { minimum: number; maximum: number }) => ({
  first: Type.Optional(Type.Integer({ ...bounds, description: whichFirst })),
  last: Type.Optional(Type.Integer({ ...bounds, description: whichLast })),
});

/** What keeping values of a pool of each kind takes. */
export const reservationBodies = {
  'ip-pools': Type.Object(
    { first: Type.Optional(address(whichFirst)), last: Type.Optional(address(whichLast)), ...reserved },
    { ...strict, examples: [{ first: '10.10.2.20', last: '10.10.2.29', note: 'printers' }, { count: 4 }] },
  ),
  'port-pools': Type.Object(
    {
      ...numberEnds(portBounds),
      protocols: Type.Optional(
        Type.Array(Type.Enum(['tcp', 'udp']), {
          maxItems: 2,
          uniqueItems: true,
          description: 'Empty: all of the pool’s.',
        }),
      ),
      ...reserved,
    },
    { ...strict, examples: [{ first: 33_100, count: 10, protocols: ['udp'], lifetime_seconds: 86_400 }] },
  ),
  'rule-pools': Type.Object(
    { ...numberEnds(ruleBounds), ...reserved },
    { ...strict, examples: [{ first: 20_500, last: 20_599, note: 'by hand' }] },
  ),
};
