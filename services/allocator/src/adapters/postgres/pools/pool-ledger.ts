import type { Database, Sql } from '@berth/database';
import type { Outbox } from '@berth/messaging';
import type { PoolBooks, PoolLedger, PoolWork } from '../../../app/pools/pool-ports.ts';
import { LookAgain } from '../../../app/ports.ts';
import type { PoolChange } from '../../../domain/pools/pool-change.ts';
import { endDuePlans } from '../plans/plan-holds.ts';
import { lockRouters } from '../router-rows.ts';
import { untilDeadline } from '../until-deadline.ts';
import { repairingSpans } from '../values/spans-out-of-step.ts';
import { postgresAnswers } from './answered-keys.ts';
import { describePools } from './describe-pools.ts';
import { type ChangeForms, storeChanges } from './pool-changes.ts';
import { postgresPools } from './pool-store.ts';
import { postgresReservations, routersWithEnded } from './reservation-store.ts';

const maxLooks = 5;

type Work<T> = (books: PoolBooks) => Promise<T>;

/** Ends a transaction whose outcome is wanted, and nothing else of it. */
class NotKept<T> extends Error {
  readonly outcome: T;
  constructor(outcome: T) {
    super('nothing of this transaction is kept');
    this.outcome = outcome;
  }
}

/** Changes of pools in Postgres, each in one transaction with what it tells. */
export function postgresPoolLedger(deps: {
  readonly database: Database;
  readonly outbox: Outbox;
  readonly forms: ChangeForms;
}): PoolLedger {
  const { database, outbox, forms } = deps;

  const attempt = <T>(work: Work<T>, isKept: boolean, { deadline, author }: PoolWork): Promise<T> =>
    outbox.transaction(async (unbounded, send) => {
      const sql = deadline ? await untilDeadline(unbounded, deadline) : unbounded;
      const changes: PoolChange[] = [];
      const outcome = await work(booksOf(sql, changes));
      if (!isKept) throw new NotKept(outcome);
      await storeChanges(sql, changes, forms, send, author);
      return outcome;
    });

  const run = async <T>(work: Work<T>, isKept: boolean, about: PoolWork): Promise<T> => {
    for (let looks = 1; ; looks++) {
      try {
        return await repairingSpans(database, () => attempt(work, isKept, about));
      } catch (error) {
        if (error instanceof NotKept) return error.outcome;
        if (!(error instanceof LookAgain) || looks === maxLooks) throw error;
      }
    }
  };

  return {
    transaction: (work, about = {}) => run(work, true, about),
    rehearse: (work, about = {}) => run(work, false, about),
    routersWithEndedReservations: () => routersWithEnded(database),
  };
}

const booksOf = (sql: Sql, changes: PoolChange[]): PoolBooks => ({
  async lock(names) {
    const routers = await lockRouters(sql, names);
    await endDuePlans(sql, names);
    const [clock] = await sql.query<{ now: string }>('SELECT clock_timestamp() AS now');
    return { routers, now: new Date(clock?.now ?? Number.NaN) };
  },
  pools: postgresPools(sql),
  reservations: postgresReservations(sql),
  answers: postgresAnswers(sql),
  describe: (pools) => describePools(sql, pools),
  tell: (change) => void changes.push(change),
});
