import { type Static, Type } from 'typebox';
import { strict } from '../json-types.ts';
import { lifetimes, limits, pageDocument, permissions, time } from './access-values.ts';

const name = Type.String({
  minLength: 1,
  maxLength: 40,
  description: 'Lower case letters, digits and -, not beginning with -. Never changes.',
});
const description = Type.String({ maxLength: 500, description: 'For people.' });
const everywhere = Type.Boolean({
  description: 'true: its permissions hold for the things of all groups; false: for its own.',
});
const terms = { permissions, everywhere, ...lifetimes('the settings say'), limits };

const optional = {
  description: Type.Optional(description),
  permissions: Type.Optional(terms.permissions),
  everywhere: Type.Optional(everywhere),
  access_token_seconds: Type.Optional(terms.access_token_seconds),
  refresh_token_seconds: Type.Optional(terms.refresh_token_seconds),
  limits: Type.Optional(limits),
};

export const createGroupBody = Type.Object(
  {
    name,
    ...optional,
    take_over: Type.Optional(
      Type.Boolean({ description: 'Another group had the name before: this one takes over what that owned.' }),
    ),
  },
  { ...strict, examples: [{ name: 'blue', permissions: ['vms:*', 'operations:read'] }] },
);

export const updateGroupBody = Type.Object(optional, {
  ...strict,
  minProperties: 1,
  description: 'What is not given stays.',
  examples: [{ permissions: ['vms:read'], access_token_seconds: 0 }],
});

export const groupMemberBody = Type.Object(
  {
    user_id: Type.String({ minLength: 1, maxLength: 40, description: 'The user’s id.' }),
    home: Type.Optional(
      Type.Boolean({ description: 'It becomes the user’s home group, which owns what the user makes. Default false.' }),
    ),
  },
  { ...strict, examples: [{ user_id: '5d1f4f0e-9d0b-4b53-8b0e-3d4f1c2b7a90' }] },
);

const example = {
  name: 'blue',
  description: 'The second floor.',
  ...{ permissions: ['vms:*', 'operations:read'], everywhere: false, built_in: false },
  ...{ access_token_seconds: null, refresh_token_seconds: 2_592_000 },
  limits: [{ endpoint_group: '', window_seconds: 3_600, requests: 1_000 }],
  version: 1,
  ...{ created_at: '2026-01-01T12:00:00.000Z', updated_at: '2026-01-01T12:00:00.000Z' },
};

export const groupDocument = Type.Object(
  {
    name,
    description,
    ...terms,
    built_in: Type.Boolean({ description: 'Is there from the start and cannot be removed.' }),
    version: Type.Integer({ description: 'Grows with every change.' }),
    created_at: time(),
    updated_at: time(),
  },
  { $id: 'Group', description: 'Users with common permissions.', examples: [example] },
);
export type GroupDocument = Static<typeof groupDocument>;

export const groupPage = pageDocument('GroupPage', {
  ...{ of: groupDocument, description: 'Groups in the order of their names.', example },
});

const member = { user_id: '5d1f4f0e-9d0b-4b53-8b0e-3d4f1c2b7a90', name: 'anna', home: true };

export const groupMemberDocument = Type.Object(
  {
    user_id: Type.String(),
    name: Type.String({ description: 'The user’s name.' }),
    home: Type.Boolean({ description: 'It is the user’s home group.' }),
  },
  { $id: 'GroupMember', description: 'A member of a group.', examples: [member] },
);

export const groupMemberPage = pageDocument('GroupMemberPage', {
  ...{ of: groupMemberDocument, description: 'Members in the order of their names.', example: member },
});

export const groupParams = Type.Object({ name: Type.String({ description: 'The group’s name.' }) });

export const memberParams = Type.Object({
  ...groupParams.properties,
  user_id: Type.String({ description: 'The user’s id.' }),
});

export const deleteGroupQuery = Type.Object(
  { force: Type.Optional(Type.Boolean({ description: 'Although it has members, who leave it.' })) },
  strict,
);
