import type { Database } from '@berth/database';
import type { Bus } from '@berth/messaging';
import type { ServiceContext } from '@berth/service-kit';
import { serveLimits } from './adapters/nats/limits/serve-limits.ts';
import type { PostgresAuthTransactions } from './adapters/postgres/auth-transactions.ts';
import { dropOldBlocks } from './adapters/postgres/limits/block-rows.ts';
import { dropOldWindows } from './adapters/postgres/limits/quota-rows.ts';
import { repeatedly } from './adapters/repeatedly.ts';
import type { BlockingTerms } from './domain/limits/block.ts';

const tidyEveryMs = 600_000;

/** Limits, what is used of them, and who is kept out. */
export function startLimits(
  deps: { bus: Bus; database: Database; transactions: PostgresAuthTransactions; blocking: BlockingTerms },
  { log, onStop }: Pick<ServiceContext, 'log' | 'onStop'>,
): void {
  onStop(
    repeatedly(tidyEveryMs, log, 'dropping what was counted long ago', async () => {
      await dropOldWindows(deps.database);
      await dropOldBlocks(deps.database);
    }),
  );
  onStop(serveLimits(deps));
}
