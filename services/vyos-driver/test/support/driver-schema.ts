import { openDatabase } from '@berth/database';
import type { TestSchema } from '@berth/testing';
import { migrations } from '../../src/adapters/postgres/migrations/index.ts';

/** The driver's tables, for `freshDatabase`. */
export const driverSchema: TestSchema = {
  name: 'vyos_driver',
  migrations,
  async migrate(url) {
    const database = await openDatabase({ url, schema: 'vyos_driver', migrations, applicationName: 'test' });
    await database.migrate();
    await database.close();
  },
};
