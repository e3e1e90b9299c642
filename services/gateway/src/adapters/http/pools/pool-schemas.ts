import { type Static, type TSchema, Type } from 'typebox';
import { poolKinds, poolNamePattern } from '../../../domain/pools/pool-terms.ts';
import { nullable } from '../json-types.ts';
import { label } from './pool-bodies.ts';

const moment = (description: string) => Type.String({ format: 'date-time', description });
const addressSpan = Type.Object({ first: Type.String(), last: Type.String() });
const numberSpan = Type.Object({ first: Type.Integer(), last: Type.Integer() });

const poolUse = Type.Object(
  {
    size: Type.Integer({
      description: 'How many values it has, without exclusions. Ports of both protocols count twice.',
    }),
    free: Type.Integer(),
    held: Type.Integer({ description: 'By VMs.' }),
    reserved: Type.Integer({ description: 'By hand.' }),
    quarantined: Type.Integer({ description: 'Released, and resting before they are handed out again.' }),
    foreign: Type.Integer({ description: 'Held by others on the router.' }),
    used: Type.Number({
      description: 'The part that is not free, 0 to 1; of ports: under the protocol of which the least part is free.',
    }),
    threshold_reached: nullable(Type.Number({ description: 'The highest of `alert_thresholds` that is reached.' })),
    taken_per_hour: nullable(
      Type.Number({ description: 'The net number of values that a recent hour took. null: not known yet.' }),
    ),
    exhausted_at: nullable(moment('When it is used up if that goes on. null: not foreseeable.')),
  },
  { description: 'How much of it is used.' },
);

const shown = {
  name: Type.String({ pattern: poolNamePattern }),
  kind: Type.Enum([...poolKinds]),
  resource: Type.String({ description: 'Kind and name: `ip-pools/edge`.' }),
  router: Type.String(),
  description: Type.String(),
  groups: Type.Array(Type.String(label), { description: 'Empty: all.' }),
  default: Type.Boolean({ description: 'VMs that name no pool get their values from it.' }),
  state: Type.Enum(['active', 'draining', 'disabled']),
  alert_thresholds: Type.Array(Type.Number(), { description: 'Empty: 0.8 and 0.95.' }),
  version: Type.Integer({ description: 'Grows with each change; the ETag begins with it.' }),
  from_settings: Type.Boolean({
    description: 'Made by the settings, which keep its values in step until these are changed.',
  }),
  use: nullable(poolUse),
  warnings: Type.Array(
    Type.Object({
      code: Type.String({ description: 'Stable; listed in docs/errors.md.' }),
      message: Type.String(),
      path: nullable(Type.String({ description: 'The configuration on the router that it is about.' })),
    }),
    { description: 'What of it is never handed out, and other things worth knowing.' },
  ),
  created_at: moment('When it was made.'),
  updated_at: moment('When it last changed.'),
};

const exampleOf = (kind: string, values: Record<string, unknown>) => ({
  name: 'edge',
  kind,
  resource: `${kind}/edge`,
  router: 'default',
  description: '',
  groups: [],
  default: false,
  state: 'active',
  alert_thresholds: [],
  version: 1,
  from_settings: false,
  ...values,
  use: {
    size: 244,
    free: 240,
    held: 4,
    reserved: 0,
    quarantined: 0,
    foreign: 0,
    used: 0.0164,
    threshold_reached: null,
    taken_per_hour: null,
    exhausted_at: null,
  },
  warnings: [],
  created_at: '2026-01-01T12:00:00.000Z',
  updated_at: '2026-01-01T12:00:00.000Z',
});

const ipExample = exampleOf('ip-pools', {
  cidrs: ['10.10.2.0/24'],
  ranges: [],
  exclusions: [{ first: '10.10.2.1', last: '10.10.2.9' }],
  gateway: '10.10.2.1',
  dns: [],
  lease_seconds: null,
  dhcp_network: null,
  subnet: null,
  subnet_id: null,
});

export const ipPool = Type.Object(
  {
    ...shown,
    cidrs: Type.Array(Type.String()),
    ranges: Type.Array(addressSpan),
    exclusions: Type.Array(addressSpan),
    gateway: nullable(Type.String()),
    dns: Type.Array(Type.String()),
    lease_seconds: nullable(Type.Integer()),
    dhcp_network: nullable(Type.String()),
    subnet: nullable(Type.String()),
    subnet_id: nullable(Type.Integer()),
  },
  { $id: 'IpPool', description: 'A pool of addresses.', examples: [ipExample] },
);
export type IpPoolDocument = Static<typeof ipPool>;

export const portPool = Type.Object(
  {
    ...shown,
    external_ip: nullable(Type.String()),
    interface: nullable(Type.String()),
    ranges: Type.Array(numberSpan),
    denied: Type.Array(numberSpan),
    protocols: Type.Array(Type.Enum(['tcp', 'udp'])),
  },
  {
    $id: 'PortPool',
    description: 'A pool of external ports.',
    examples: [
      exampleOf('port-pools', {
        external_ip: null,
        interface: null,
        ranges: [{ first: 33_000, last: 33_999 }],
        denied: [{ first: 33_389, last: 33_389 }],
        protocols: ['tcp'],
      }),
    ],
  },
);
export type PortPoolDocument = Static<typeof portPool>;

export const rulePool = Type.Object(
  { ...shown, ranges: Type.Array(numberSpan), exclusions: Type.Array(numberSpan) },
  {
    $id: 'RulePool',
    description: 'A pool of destination NAT rule numbers.',
    examples: [exampleOf('rule-pools', { ranges: [{ first: 20_000, last: 29_999 }], exclusions: [] })],
  },
);
export type RulePoolDocument = Static<typeof rulePool>;

/** A pool of whatever kind. */
export type PoolDocument = IpPoolDocument | PortPoolDocument | RulePoolDocument;

/** A page of whatever `items` are. */
export const pageOf = (items: TSchema, options: { $id: string; description: string; examples: unknown[] }) =>
  Type.Object(
    { items: Type.Array(items), next_cursor: nullable(Type.String({ description: 'null on the last page.' })) },
    options,
  );

const anyPool = Type.Unsafe<PoolDocument>({
  anyOf: [{ $ref: 'IpPool#' }, { $ref: 'PortPool#' }, { $ref: 'RulePool#' }],
});

export const poolPage = pageOf(anyPool, {
  $id: 'PoolPage',
  description: 'Pools in the order of their names.',
  examples: [{ items: [ipExample], next_cursor: null }],
});

/** The schema of a pool of each kind. */
export const poolDocumentIds = { 'ip-pools': 'IpPool', 'port-pools': 'PortPool', 'rule-pools': 'RulePool' } as const;
