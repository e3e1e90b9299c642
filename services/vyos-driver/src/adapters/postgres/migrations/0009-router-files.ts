import { defineMigration } from '@berth/database';

/** Whole configurations that were asked to be saved to files on the routers. One that waits is `asked`, whoever works the router. */
export const routerFiles = defineMigration('driver-0009', [
  `CREATE TABLE router_files (
    router text NOT NULL,
    name text NOT NULL,
    request_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('asked', 'saved', 'failed')),
    asked_at timestamptz NOT NULL,
    asked_by text NOT NULL,
    saved_at timestamptz,
    commit_number bigint,
    message text NOT NULL DEFAULT '',
    PRIMARY KEY (router, name)
  )`,
  "CREATE INDEX router_files_asked ON router_files (router, asked_at) WHERE state = 'asked'",
]);
