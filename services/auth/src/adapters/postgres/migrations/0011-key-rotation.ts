import { defineMigration } from '@berth/database';

/** The audit log's keys follow each other, and secrets are found by the master key that they are sealed with. */
export const keyRotation = defineMigration('auth-0011-key-rotation', [
  // A key that was replaced signs nothing any more: its secret part is forgotten.
  `ALTER TABLE audit_signing_keys
     ALTER COLUMN sealed_private_key DROP NOT NULL,
     ALTER COLUMN master_key_id DROP NOT NULL,
     ADD CHECK ((sealed_private_key IS NULL) = (master_key_id IS NULL)),
     ADD CHECK (active = (sealed_private_key IS NOT NULL))`,
  // A rotation is a head with which a key vouches for the next one: once, so that keys are a chain too.
  `ALTER TABLE audit_heads
     DROP CONSTRAINT audit_heads_kind_check,
     ADD COLUMN new_key_id text REFERENCES audit_signing_keys (id),
     ADD CONSTRAINT audit_heads_kind_check CHECK (kind IN ('head', 'anchor', 'rotation')),
     ADD CHECK ((kind = 'rotation') = (new_key_id IS NOT NULL))`,
  "CREATE UNIQUE INDEX audit_heads_rotation_of ON audit_heads (key_id) WHERE kind = 'rotation'",
  "CREATE UNIQUE INDEX audit_heads_rotation_to ON audit_heads (new_key_id) WHERE kind = 'rotation'",
  'CREATE INDEX mails_sealed ON mails (master_key_id, id) WHERE master_key_id IS NOT NULL',
  'CREATE INDEX identity_attempts_sealed ON identity_attempts (master_key_id, id)',
]);
