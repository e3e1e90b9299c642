import type { Sql } from '@berth/database';
import type { GroupStore } from '../../app/group-store.ts';
import type { Group } from '../../domain/group.ts';
import type { Limit } from '../../domain/limit.ts';

interface GroupRow {
  readonly name: string;
  readonly description: string;
  readonly permissions: string[];
  readonly everywhere: boolean;
  readonly built_in: boolean;
  readonly access_token_seconds: string | null;
  readonly refresh_token_seconds: string | null;
  readonly limits: Limit[];
  readonly version: string;
  readonly created_at: string;
  readonly updated_at: string;
}

const numberOf = (text: string | null): number | null => (text === null ? null : Number(text));

const toGroup = (row: GroupRow): Group => ({
  name: row.name,
  description: row.description,
  permissions: row.permissions,
  everywhere: row.everywhere,
  builtIn: row.built_in,
  accessTokenSeconds: numberOf(row.access_token_seconds),
  refreshTokenSeconds: numberOf(row.refresh_token_seconds),
  limits: row.limits,
  version: Number(row.version),
  createdAt: new Date(row.created_at),
  updatedAt: new Date(row.updated_at),
});

/** Groups in auth's schema. */
export const groupRows = (sql: Sql): GroupStore => ({
  async byName(name) {
    const [row] = await sql.query<GroupRow>('SELECT * FROM groups WHERE name = $1 FOR UPDATE', [name]);
    return row && toGroup(row);
  },

  async byNames(names) {
    const rows = await sql.query<GroupRow>('SELECT * FROM groups WHERE name = ANY($1)', [names]);
    const groups = new Map(rows.map((row) => [row.name, toGroup(row)]));
    return names.flatMap((name) => groups.get(name) ?? []);
  },
});
