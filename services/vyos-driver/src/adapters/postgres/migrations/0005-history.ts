import { defineMigration } from '@berth/database';

/**
 * `history_commits` are the entries with what they changed, packed; `history_snapshots` whole states, so that any state is near;
 * `config_lines` the newest state with where each line comes from; `fragment_versions` what each resource was since an entry.
 */
export const history = defineMigration('driver-0005', [
  `CREATE TABLE history_commits (
    router text NOT NULL,
    number bigint NOT NULL,
    id uuid NOT NULL UNIQUE,
    kind text NOT NULL CHECK (kind IN ('change', 'repair', 'way_back', 'foreign', 'drift', 'baseline')),
    state text NOT NULL CHECK (state IN ('applied', 'refused', 'partial', 'settled', 'observed')),
    started_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    duration_ms integer,
    estimate_ms integer,
    epoch bigint NOT NULL,
    message text NOT NULL DEFAULT '',
    operations integer NOT NULL,
    changed_lines integer NOT NULL,
    resource_count integer NOT NULL,
    principal_ids text[] NOT NULL,
    principals text[] NOT NULL,
    changes bytea NOT NULL,
    PRIMARY KEY (router, number)
  )`,
  'CREATE INDEX history_commits_ended ON history_commits (router, ended_at, number)',
  `CREATE TABLE history_resources (
    router text NOT NULL,
    resource_id text NOT NULL,
    number bigint NOT NULL,
    purpose text NOT NULL CHECK (purpose IN ('change', 'repair', 'way_back', 'drift')),
    because_of bigint,
    PRIMARY KEY (router, resource_id, number)
  )`,
  'CREATE INDEX history_resources_of_commit ON history_resources (router, number)',
  `CREATE TABLE history_snapshots (
    router text NOT NULL,
    number bigint NOT NULL,
    ended_at timestamptz NOT NULL,
    lines integer NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (router, number)
  )`,
  `CREATE TABLE config_lines (
    router text NOT NULL,
    path text COLLATE "C" NOT NULL,
    resource_id text NOT NULL,
    content jsonb,
    put jsonb NOT NULL,
    changed jsonb NOT NULL,
    rule_number integer,
    mapping_name text,
    mac_address text,
    address text,
    external_ip text,
    protocol text,
    ports int4multirange,
    PRIMARY KEY (router, path)
  )`,
  'CREATE INDEX config_lines_of_resource ON config_lines (router, resource_id)',
  'CREATE INDEX config_lines_rule ON config_lines (router, rule_number) WHERE rule_number IS NOT NULL',
  'CREATE INDEX config_lines_mapping ON config_lines (router, lower(mapping_name)) WHERE mapping_name IS NOT NULL',
  'CREATE INDEX config_lines_mac ON config_lines (router, mac_address) WHERE mac_address IS NOT NULL',
  'CREATE INDEX config_lines_address ON config_lines (router, address) WHERE address IS NOT NULL',
  'CREATE INDEX config_lines_ports ON config_lines USING gist (ports) WHERE ports IS NOT NULL',
  `CREATE TABLE fragment_versions (
    router text NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    fragment jsonb,
    owner_group text NOT NULL,
    PRIMARY KEY (router, resource_id, number)
  )`,
  `INSERT INTO fragment_versions (router, resource_id, number, fragment, owner_group)
   SELECT router, resource_id, 0, applied, owner_group FROM resources WHERE applied IS NOT NULL`,
  'CREATE INDEX verdicts_settled ON verdicts (settled_at)',
]);
