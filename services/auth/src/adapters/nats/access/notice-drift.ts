import { RouterDriftChangedSchema, streams } from '@berth/contracts';
import type { Database } from '@berth/database';
import { type Bus, type Consumption, consume, takeUnseen } from '@berth/messaging';
import { berthItself } from '../../../app/asker.ts';
import type { PostgresAuthTransactions } from '../../postgres/auth-transactions.ts';
import { mailsAbout } from '../../postgres/mails/subscription-rows.ts';

const durable = 'auth-notices';
/** Whoever comes back after days need not write of each of them. */
const noticedForMs = 86_400_000;

/** Writes to those who want to hear of changes that others made on routers. */
export const noticeDrift = (deps: {
  bus: Bus;
  database: Database;
  transactions: PostgresAuthTransactions;
}): Consumption =>
  consume(deps, {
    stream: streams.events,
    filter: 'events.router.drift.detected.*',
    durable,
    schema: RouterDriftChangedSchema,
    batchSize: 100,
    handle: (batch) =>
      deps.transactions.run(berthItself, async ({ sql, mail, now }) => {
        const unseen = await takeUnseen(
          sql,
          durable,
          batch.map(({ messageId }) => messageId),
        );
        const notices = batch
          .filter(({ messageId }) => unseen.has(messageId))
          .filter(
            ({ message: { at } }) => at !== undefined && Number(at.seconds) * 1_000 > now.getTime() - noticedForMs,
          )
          .map(({ message: { router, count } }) => ({
            topic: 'router-drift',
            text: `${count} of Berth’s lines on the router ${router} are not as Berth left them. GET /v1/routers/${router}/drift shows them.`,
          }));
        for (const one of await mailsAbout(sql, notices)) mail(one);
      }),
  });
