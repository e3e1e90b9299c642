import type { Database } from '@berth/database';
import type { Bus } from '@berth/messaging';
import { serveHistory } from './adapters/nats/serve-history.ts';
import { PostgresCommitLog } from './adapters/postgres/history/postgres-commit-log.ts';
import { PostgresHistoryKeeper } from './adapters/postgres/history/postgres-history-keeper.ts';
import { PostgresHistoryStore } from './adapters/postgres/history/postgres-history-store.ts';
import { PostgresLineFinder } from './adapters/postgres/history/postgres-line-finder.ts';
import { type HistorySettings, keepHistory } from './app/history/keep-history.ts';
import type { Log } from './app/ports.ts';

/** A pass that finds nothing to do costs a few short statements for each router. */
const passEveryMs = 30_000;

/** Answers questions about the history, and keeps it small. Gives back what stops that, to be called in reverse order. */
export function startHistory(
  bus: Bus,
  database: Database,
  { log, ...settings }: HistorySettings & { readonly log: Log },
): (() => Promise<void>)[] {
  const store = new PostgresHistoryStore(database);
  const keeper = new PostgresHistoryKeeper(database);
  const over = new AbortController();
  let pass: Promise<void> | undefined;
  const timer = setInterval(() => {
    pass ??= keepHistory(keeper, settings, over.signal)
      .catch((error) => log.warn({ err: error }, 'history could not be tidied'))
      .finally(() => {
        pass = undefined;
      });
  }, passEveryMs);
  const parts = { store, log: new PostgresCommitLog(database), lines: new PostgresLineFinder(database) };
  return [
    async () => {
      clearInterval(timer);
      over.abort();
      await pass;
    },
    serveHistory(bus, parts),
  ];
}
