import type { TestSchema } from '@berth/testing';
import type { UserIdKind } from '../../src/adapters/postgres/migrations/0002-access.ts';
import { migrations } from '../../src/adapters/postgres/migrations/index.ts';
import { openAuthDatabase } from '../../src/start-auth.ts';

/** Auth's tables, for `freshDatabase`; the kind of ids is fixed with them. */
export const authSchema = (userIds: UserIdKind = 'uuid'): TestSchema => ({
  name: 'auth',
  migrations: migrations(userIds),
  async migrate(url) {
    const database = await openAuthDatabase(url, userIds);
    await database.migrate();
    await database.close();
  },
});
