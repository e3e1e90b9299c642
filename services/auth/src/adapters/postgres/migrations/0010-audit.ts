import { defineMigration } from '@berth/database';

/** The audit log becomes a chain: sealed entries in an order without gaps, signed heads, and triggers that refuse to change what is written. */
export const audit = defineMigration('auth-0010-audit', [
  // Which transaction wrote it: only entries that can no longer be overtaken are sealed (decision 54).
  `ALTER TABLE audit_entries
     ALTER COLUMN action TYPE text COLLATE "C",
     ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
     ADD COLUMN seq bigint CHECK (seq > 0),
     ADD COLUMN previous_hash bytea CHECK (length(previous_hash) = 32),
     ADD COLUMN hash bytea CHECK (length(hash) = 32),
     ADD CHECK ((seq IS NULL) = (hash IS NULL) AND (seq IS NULL) = (previous_hash IS NULL))`,
  'DROP INDEX audit_entries_arrival',
  'CREATE UNIQUE INDEX audit_entries_seq ON audit_entries (seq)',
  'CREATE INDEX audit_entries_unsealed ON audit_entries (xid, arrival) WHERE seq IS NULL',
  'CREATE INDEX audit_entries_newest ON audit_entries (at, arrival)',
  'CREATE INDEX audit_entries_actor ON audit_entries (actor_id, at, arrival)',
  'CREATE INDEX audit_entries_action ON audit_entries (action, at, arrival)',
  'CREATE INDEX audit_entries_resource_type ON audit_entries (resource_type, at, arrival)',
  'CREATE INDEX audit_entries_resource_id ON audit_entries (resource_id, at, arrival)',
  'CREATE INDEX audit_entries_result ON audit_entries (result, at, arrival)',
  'CREATE INDEX audit_entries_address ON audit_entries (client_address, at, arrival)',
  'CREATE INDEX audit_entries_request ON audit_entries (request_id, at, arrival)',
  // Where the chain stands. The row is the sealer's lock.
  `CREATE TABLE audit_chain (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    seq bigint NOT NULL DEFAULT 0,
    hash bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex') CHECK (length(hash) = 32),
    head_seq bigint NOT NULL DEFAULT 0,
    head_at timestamptz(3),
    dropped_seq bigint NOT NULL DEFAULT 0,
    CHECK (dropped_seq <= seq AND head_seq <= seq)
  )`,
  'INSERT INTO audit_chain DEFAULT VALUES',
  `CREATE TABLE audit_signing_keys (
    id text PRIMARY KEY,
    active boolean NOT NULL DEFAULT true,
    public_key text NOT NULL,
    sealed_private_key bytea NOT NULL,
    master_key_id text NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT now()
  )`,
  'CREATE UNIQUE INDEX audit_signing_keys_active ON audit_signing_keys (active) WHERE active',
  `CREATE TABLE audit_heads (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('head', 'anchor')),
    seq bigint NOT NULL,
    hash bytea NOT NULL CHECK (length(hash) = 32),
    at timestamptz(3) NOT NULL,
    key_id text NOT NULL REFERENCES audit_signing_keys (id),
    signature bytea NOT NULL
  )`,
  'CREATE INDEX audit_heads_seq ON audit_heads (seq, id)',
  `CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'integrity_constraint_violation';
   END $$`,
  // Sealing fills three columns, once; everything else stays as it was written.
  `CREATE FUNCTION audit_seal_only() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     IF OLD.seq IS NOT NULL OR NEW.seq IS NULL
        OR to_jsonb(OLD) - ARRAY['seq', 'previous_hash', 'hash'] IS DISTINCT FROM to_jsonb(NEW) - ARRAY['seq', 'previous_hash', 'hash'] THEN
       RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'integrity_constraint_violation';
     END IF;
     RETURN NEW;
   END $$`,
  // Only what a signed anchor stands for may go.
  `CREATE FUNCTION audit_drop_old_only() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     IF OLD.seq IS NULL OR OLD.seq > (SELECT dropped_seq FROM audit_chain) THEN
       RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'integrity_constraint_violation';
     END IF;
     RETURN OLD;
   END $$`,
  'CREATE TRIGGER audit_entries_update BEFORE UPDATE ON audit_entries FOR EACH ROW EXECUTE FUNCTION audit_seal_only()',
  'CREATE TRIGGER audit_entries_delete BEFORE DELETE ON audit_entries FOR EACH ROW EXECUTE FUNCTION audit_drop_old_only()',
  'CREATE TRIGGER audit_entries_truncate BEFORE TRUNCATE ON audit_entries FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()',
  'CREATE TRIGGER audit_heads_append BEFORE UPDATE OR DELETE ON audit_heads FOR EACH ROW EXECUTE FUNCTION audit_refuse()',
  'CREATE TRIGGER audit_heads_truncate BEFORE TRUNCATE ON audit_heads FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()',
]);
