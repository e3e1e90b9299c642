import { Type } from 'typebox';
import { pageQuery } from '../common-schemas.ts';
import { strict } from '../json-types.ts';

const pageMaxSize = 1_000;

/** Names that are searched for: of groups, routers and pools. */
const name = { minLength: 1, maxLength: 80, pattern: '^[A-Za-z0-9._/-]+$' } as const;

/** What `GET /v1/vms` can be asked. */
export const listVmsQuery = Type.Object(
  {
    group: Type.Optional(
      Type.String({ maxLength: 80, pattern: '^[A-Za-z0-9._-]*$', description: 'Of this group; empty: of none.' }),
    ),
    router: Type.Optional(Type.String({ ...name, description: 'On this router.' })),
    pool: Type.Optional(
      Type.String({ ...name, description: 'With a value of this pool, for example `ip-pools/default`.' }),
    ),
    address: Type.Optional(
      Type.String({ maxLength: 18, description: 'With this internal address, or one in this network.' }),
    ),
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535, description: 'With this external port.' })),
    state: Type.Optional(
      Type.Array(Type.Enum(['provisioning', 'active', 'removing']), {
        maxItems: 3,
        description: 'In one of these states; with commas or repeated.',
      }),
    ),
    text: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        description: 'With this text in name, hostname, MAC address, internal address or metadata. Case is ignored.',
      }),
    ),
    mac_address: Type.Optional(Type.String({ maxLength: 17, description: 'With this MAC address.' })),
    sort: Type.Optional(
      Type.Enum(
        ['name', '-name', 'created_at', '-created_at', 'updated_at', '-updated_at', 'internal_ip', '-internal_ip'],
        { type: 'string', description: 'Default `name`. `-` turns the order round.' },
      ),
    ),
    ...pageQuery(pageMaxSize).properties,
  },
  strict,
);
