import { defineMigration } from '@berth/database';

/** API keys of users, with permissions of their own, for one group, from some networks. */
export const userApiKeys = defineMigration('auth-0006-api-keys', [
  `ALTER TABLE api_keys
     ADD COLUMN owner_id text REFERENCES users (id) ON DELETE CASCADE,
     ADD COLUMN permissions text[] NOT NULL DEFAULT '{}',
     ADD COLUMN group_name text REFERENCES groups (name) ON DELETE CASCADE,
     ADD COLUMN allowed_networks text[] NOT NULL DEFAULT '{}',
     DROP CONSTRAINT api_keys_permission,
     ADD CONSTRAINT api_keys_permission CHECK (permission IN ('viewer', 'operator', 'admin', 'custom', 'owner')),
     ADD CONSTRAINT api_keys_permissions CHECK ((permission = 'custom') = (permissions <> '{}')),
     ADD CONSTRAINT api_keys_owner CHECK (permission <> 'owner' OR owner_id IS NOT NULL),
     ADD CONSTRAINT api_keys_owned CHECK (owner_id IS NULL OR origin = 'created')`,
  'CREATE INDEX api_keys_of_owner ON api_keys (owner_id, created_at, id) WHERE owner_id IS NOT NULL',
  'CREATE INDEX api_keys_of_group ON api_keys (group_name) WHERE group_name IS NOT NULL',
]);
