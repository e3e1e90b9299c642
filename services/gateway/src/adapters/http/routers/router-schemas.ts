import { type Static, Type } from 'typebox';
import { nullable, strict } from '../json-types.ts';

const text = (description: string, maxLength = 255) => Type.String({ maxLength, description });
const optional = (description: string, maxLength = 255) => Type.Optional(nullable(text(description, maxLength)));

const wish = (what: string) => `${what}. null: read from the router.`;
const port = Type.Optional(
  nullable(Type.Integer({ minimum: 1, maximum: 65_535, description: 'Of the HTTPS API. Default (and null) 443.' })),
);
const keyId = Type.Optional(
  nullable(
    Type.String({
      minLength: 1,
      maxLength: 64,
      description: 'The API key’s id on the router. Default (and null) `berth`.',
    }),
  ),
);
const key = Type.String({
  minLength: 1,
  maxLength: 512,
  description: 'The API key. Stored encrypted, and never shown.',
});
const host = Type.String({
  minLength: 1,
  maxLength: 253,
  description: 'Address or host name. Plain HTTP is not possible.',
});

const choices = {
  port,
  key_id: keyId,
  ca_pem: optional(
    'Certificates (PEM) of the authorities that may have signed the router’s. null: the system’s.',
    65_536,
  ),
  fingerprint: optional(
    'SHA-256 of the router’s certificate, in hexadecimal. When given, nothing else is compared.',
    95,
  ),
  wan_interface: optional(wish('The interface that forwards come in on'), 32),
  external_ip: optional(wish('The address that forwards are on'), 15),
  dhcp_network: optional(wish('The DHCP shared network that mappings go into')),
  dhcp_subnet: optional(wish('Its subnet, as a prefix'), 18),
};

const example = { host: '10.0.0.2', key: 'the-router-s-api-key', fingerprint: 'ab'.repeat(32) };

export const testRouterBody = Type.Object({ host, key, ...choices }, { ...strict, examples: [example] });

const name = Type.String({ minLength: 1, maxLength: 63, description: 'Letters, digits and `-`.' });
const enabled = Type.Optional(Type.Boolean({ description: 'false: it is added switched off. Default true.' }));

export const addRouterBody = Type.Object(
  { name, host, key, ...choices, enabled },
  { ...strict, examples: [{ name: 'edge', ...example }] },
);

export const updateRouterBody = Type.Object(
  { host: Type.Optional(host), key: Type.Optional(key), ...choices },
  {
    ...strict,
    minProperties: 1,
    description:
      'What is not given stays. A changed connection begins a new session with the router. `key` is needed when `host`, `port`, `fingerprint` or `ca_pem` changes.',
    examples: [{ wan_interface: 'eth0' }],
  },
);

const state = Type.Enum(['unseen', 'ok', 'unreachable', 'breaker_open', 'unknown', 'blocked', 'disabled'], {
  description:
    '`unseen`: not looked at yet. `breaker_open`: only a probe is sent now and then. `unknown`: it refused the way back; only reads are sent. `blocked`: somebody else’s configuration fails every commit. `disabled`: switched off; changes wait.',
});

const profile = Type.Object(
  {
    wan_interface: Type.String(),
    external_ip: Type.String(),
    dhcp_network: Type.String(),
    dhcp_subnet: Type.String(),
    gateway: Type.String(),
    subnets: Type.Array(
      Type.Object({
        network: Type.String(),
        subnet: Type.String(),
        subnet_id: Type.Integer(),
        gateway: Type.String(),
        name_servers: Type.Array(Type.String()),
        lease_seconds: Type.Integer(),
      }),
    ),
    interfaces: Type.Array(
      Type.Object({ name: Type.String(), addresses: Type.Array(Type.String()), dynamic: Type.Boolean() }),
    ),
  },
  { description: 'Its place in the network, as it was read. What is empty or 0 the router does not say.' },
);

const milliseconds = Type.Number({ minimum: 0 });
const cost = Type.Object(
  {
    fixed_ms: milliseconds,
    nat_set_ms: milliseconds,
    mapping_set_ms: milliseconds,
    delete_ms: milliseconds,
    size_ms: milliseconds,
  },
  {
    description:
      'What a commit costs, as learnt: a fixed part, one for each operation, and one for each rule and mapping configured.',
  },
);

const moment = (description: string) => Type.String({ format: 'date-time', description });

const shown = {
  name: Type.String(),
  state,
  reason: Type.String({ description: 'Why it stands so; empty when it answers.' }),
  since: moment('Since when it stands so.'),
  retry_after_seconds: Type.Integer({ description: 'After so long another try is worth it; 0 when it answers.' }),
  enabled: Type.Boolean(),
  from_settings: Type.Boolean({
    description: 'The router of the driver’s settings (`VYOS_IP` …): its connection is changed there.',
  }),
  host: Type.String(),
  port: Type.Integer(),
  key_id: Type.String(),
  key_fingerprint: nullable(
    Type.String({ description: 'Tells keys apart. It is made with the master key; null without one.' }),
  ),
  ca_pem: nullable(Type.String()),
  fingerprint: nullable(Type.String()),
  wan_interface: nullable(Type.String()),
  external_ip: nullable(Type.String()),
  dhcp_network: nullable(Type.String()),
  dhcp_subnet: nullable(Type.String()),
  vyos_version: nullable(Type.String()),
  profile: nullable(profile),
  breaker: Type.Enum(['closed', 'open']),
  lease: Type.Object({
    holder: nullable(Type.String({ description: 'The worker that has it now.' })),
    epoch: Type.Integer({ description: 'Grows at each take-over.' }),
  }),
  commits: Type.Object({ applied: Type.Integer(), saved: Type.Integer() }),
  vms: Type.Integer({ description: 'So many have something on it.' }),
  waiting_changes: Type.Integer(),
  cost: nullable(cost),
  last_look_at: nullable(moment('When its whole configuration was read last.')),
  last_look_ms: Type.Integer({ description: 'How long that took.' }),
  version: Type.Integer({ description: 'Counts the changes of its settings; the ETag begins with it.' }),
  created_at: moment('When it was added.'),
  updated_at: moment('When its settings changed last.'),
};

const shownExample = {
  name: 'edge',
  state: 'ok',
  reason: '',
  since: '2026-01-01T12:00:00.000Z',
  retry_after_seconds: 0,
  enabled: true,
  from_settings: false,
  host: '10.0.0.2',
  port: 443,
  key_id: 'berth',
  key_fingerprint: '5f3a9c01',
  ca_pem: null,
  fingerprint: 'ab'.repeat(32),
  wan_interface: null,
  external_ip: null,
  dhcp_network: null,
  dhcp_subnet: null,
  vyos_version: '1.5',
  profile: {
    wan_interface: 'eth0',
    external_ip: '192.0.2.1',
    dhcp_network: 'LAN',
    dhcp_subnet: '10.10.0.0/16',
    gateway: '10.10.0.1',
    subnets: [],
    interfaces: [{ name: 'eth0', addresses: ['192.0.2.1/24'], dynamic: false }],
  },
  breaker: 'closed',
  lease: { holder: '0b6b2b53-2c1f-4d51-9ab2-6f0c1f1c8a11', epoch: 3 },
  commits: { applied: 12, saved: 12 },
  vms: 40,
  waiting_changes: 0,
  cost: { fixed_ms: 1_400, nat_set_ms: 105, mapping_set_ms: 70, delete_ms: 30, size_ms: 45 },
  last_look_at: '2026-01-01T12:00:00.000Z',
  last_look_ms: 800,
  version: 1,
  created_at: '2026-01-01T12:00:00.000Z',
  updated_at: '2026-01-01T12:00:00.000Z',
};

export const routerDocument = Type.Object(shown, {
  $id: 'Router',
  description: 'A router, with everything that is known of it but its API key.',
  examples: [shownExample],
});
export type RouterDocument = Static<typeof routerDocument>;

export const routerList = Type.Object(
  { items: Type.Array(Type.Unsafe<RouterDocument>({ $ref: 'Router#' })) },
  {
    $id: 'RouterList',
    description: 'All routers, in the order of their names.',
    examples: [{ items: [shownExample] }],
  },
);

export const routerTest = Type.Object(
  {
    ok: Type.Boolean({ description: 'No check failed.' }),
    checks: Type.Array(
      Type.Object({
        name: Type.Enum([
          'connection',
          'certificate',
          'key',
          'version',
          'rights',
          'wan_interface',
          'external_ip',
          'dhcp_subnet',
          'dynamic_ranges',
          'commit_confirm',
        ]),
        result: Type.Enum(['ok', 'warning', 'failed']),
        message: Type.String(),
      }),
      { description: 'In the order in which they were tried; what needs one that failed is not tried.' },
    ),
    certificate: nullable(
      Type.Object({
        fingerprint: Type.String({
          description: 'SHA-256, to be compared with what the router itself says before it is pinned.',
        }),
        subject: Type.String(),
        expires_at: moment('Until when it is valid.'),
      }),
    ),
    vyos_version: nullable(Type.String()),
    profile: nullable(profile),
  },
  {
    $id: 'RouterTest',
    description: 'What a test of a router found. Nothing was changed there.',
    examples: [
      {
        ok: false,
        checks: [
          { name: 'connection', result: 'ok', message: 'The router takes TLS connections.' },
          { name: 'certificate', result: 'ok', message: 'It is the pinned one, and valid until 2030-01-01.' },
          { name: 'key', result: 'failed', message: 'The router does not take the API key: Valid API key is required' },
        ],
        certificate: { fingerprint: 'ab'.repeat(32), subject: 'CN=edge', expires_at: '2030-01-01T00:00:00.000Z' },
        vyos_version: null,
        profile: null,
      },
    ],
  },
);
export type RouterTestDocument = Static<typeof routerTest>;

export const routerParams = Type.Object({ router: Type.String({ description: 'The router’s name.' }) });
