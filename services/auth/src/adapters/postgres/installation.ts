import type { Database } from '@berth/database';
import { ConfigError } from '@berth/service-kit';
import type { UserIdKind } from './migrations/0002-access.ts';

/** Users keep the kind of ids that the first migration chose: another setting stops the start. */
export async function assertUserIds(database: Database, wanted: UserIdKind | undefined): Promise<void> {
  const [row] = await database.query<{ user_id_kind: string }>('SELECT user_id_kind FROM installation');
  if (wanted === undefined || row?.user_id_kind === wanted) return;
  throw new ConfigError([
    `BERTH_USER_IDS is ${wanted}, but this database was made with ${row?.user_id_kind}: ids of users cannot be changed afterwards`,
  ]);
}
