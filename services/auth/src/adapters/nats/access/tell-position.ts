import { AccessPositionSchema, AccessService, subjects } from '@berth/contracts';
import type { Database } from '@berth/database';
import { type Bus, notify, serve } from '@berth/messaging';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { dropOldFacts, factsAfter, newestPosition } from '../../postgres/access/read-facts.ts';
import { repeatedly } from '../../repeatedly.ts';

const tellEveryMs = 500;
const tidyEveryMs = 3_600_000;

/** Tells how far the facts have come: at once when they changed, and twice a second, so that silence is noticed. */
export interface PositionTeller {
  readonly factsChanged: () => void;
  stop(): Promise<void>;
}

/** Answers AccessService and tells positions. */
export function startTellingFacts({ bus, database }: { bus: Bus; database: Database }): PositionTeller {
  const tell = async () => {
    notify(bus, subjects.accessPosition, AccessPositionSchema, await newestPosition(database));
  };
  const stopServing = serve(bus, AccessService.method.getAccessFacts, async ({ after }) => {
    const { facts, now, ...page } = await factsAfter(database, after);
    return { ...page, facts: [...facts], now: timestampFromDate(now) };
  });
  const stopTelling = repeatedly(tellEveryMs, bus.log, 'telling the newest access fact', tell);
  const stopTidying = repeatedly(tidyEveryMs, bus.log, 'dropping old access facts', () => dropOldFacts(database));
  return {
    factsChanged: () =>
      void tell().catch((error) => bus.log.warn({ err: error }, 'could not tell of new access facts')),
    async stop() {
      await Promise.all([stopTelling(), stopTidying(), stopServing()]);
    },
  };
}
