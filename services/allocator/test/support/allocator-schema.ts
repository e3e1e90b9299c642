import type { TestSchema } from '@berth/testing';
import { migrations } from '../../src/adapters/postgres/migrations/index.ts';
import { openAllocatorDatabase } from '../../src/start-allocator.ts';

/** The allocator's tables, for `freshDatabase`. */
export const allocatorSchema: TestSchema = {
  name: 'allocator',
  migrations,
  async migrate(url) {
    const database = await openAllocatorDatabase(url);
    await database.migrate();
    await database.close();
  },
};
