import { type Sql, sqlStateOf } from '@berth/database';
import { deadlinePassed } from '../../domain/errors.ts';

const mostMs = 2 ** 31 - 1; // of statement_timeout
const queryCanceled = '57014';

/**
 * `sql` of a transaction for somebody who waits until `deadline`, by the database's clock: from then on statements are refused, and one
 * that runs is cut off after at most as long again. So locks are not kept for somebody who has gone. Throws `unavailable` DEADLINE_PASSED.
 */
export async function untilDeadline(sql: Sql, deadline: Date): Promise<Sql> {
  const [clock] = await sql.query<{ now: string }>('SELECT clock_timestamp() AS now');
  const leftMs = deadline.getTime() - new Date(clock?.now ?? Number.NaN).getTime();
  const endsAt = performance.now() + leftMs;
  const timeoutMs = Math.min(Math.max(Math.ceil(leftMs), 1), mostMs);
  await sql.execute("SELECT set_config('statement_timeout', $1, true)", [String(timeoutMs)]);
  const inTime = async <T>(run: () => Promise<T>): Promise<T> => {
    if (performance.now() > endsAt) throw deadlinePassed();
    try {
      return await run();
    } catch (error) {
      throw sqlStateOf(error) === queryCanceled ? deadlinePassed() : error;
    }
  };
  return {
    query: (text, values) => inTime(() => sql.query(text, values)),
    execute: (text, values) => inTime(() => sql.execute(text, values)),
  };
}
