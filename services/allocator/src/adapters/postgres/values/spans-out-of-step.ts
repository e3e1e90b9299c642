import type { Database } from '@berth/database';
import { lockRouters } from '../router-rows.ts';
import { rebuildSpans } from './span-store.ts';

/** Free spans and allocations contradict each other: the spans of these spaces must be made anew. */
export class SpansOutOfStep extends Error {
  override readonly name = 'SpansOutOfStep';
  readonly spaceIds: readonly number[];
  constructor(spaceIds: readonly number[]) {
    super(`the free spans of spaces ${spaceIds.join(', ')} contradict the allocations`);
    this.spaceIds = spaceIds;
  }
}

const maxAttempts = 3;

/** Runs a transaction; when it finds free spans out of step, makes them anew from the allocations and runs it again. */
export async function repairingSpans<T>(database: Database, run: () => Promise<T>): Promise<T> {
  for (let attempts = 1; ; attempts++) {
    try {
      return await run();
    } catch (error) {
      if (attempts === maxAttempts || !(error instanceof SpansOutOfStep)) throw error;
      await repair(database, error.spaceIds);
    }
  }
}

const repair = (database: Database, spaceIds: readonly number[]): Promise<void> =>
  database.transaction(async (sql) => {
    const routers = await sql.query<{ router: string }>('SELECT DISTINCT router FROM spaces WHERE id = ANY($1)', [
      spaceIds,
    ]);
    await lockRouters(
      sql,
      routers.map(({ router }) => router),
    );
    await rebuildSpans(sql, spaceIds);
  });
