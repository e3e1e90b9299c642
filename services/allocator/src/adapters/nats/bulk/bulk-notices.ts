import { subjects } from '@berth/contracts';
import { type Bus, listen, notify } from '@berth/messaging';
import type { Logger } from '@berth/service-kit';
import { StringValueSchema } from '@bufbuild/protobuf/wkt';
import { repeatedly } from '../../repeatedly.ts';

const lookEveryMs = 1_000;

/** Lets all replicas know that a bulk has something to do. */
export const tellOfBulkWork = (bus: Bus, id: string): void =>
  notify(bus, subjects.bulkWork, StringValueSchema, { value: id });

/**
 * Does `work` piece by piece, as long as it says that there was something to do: at once when told, and by a timer. Gives back its stop,
 * which waits for the piece in work.
 */
export function workOnBulks(
  { bus, log }: { readonly bus: Bus; readonly log: Logger },
  work: () => Promise<boolean>,
): () => Promise<void> {
  let working: Promise<void> | undefined;
  let told = false;
  let stopping = false;
  const workAll = async () => {
    do {
      told = false; // what is told while a look runs is looked at after it
      while (!stopping && (await work()));
    } while (told && !stopping);
  };
  const start = () => {
    told = true;
    working ??= workAll().finally(() => {
      working = undefined;
    });
    return working;
  };
  const stopTimer = repeatedly(lookEveryMs, log, 'working on bulks', start);
  const stopListening = listen(bus, subjects.bulkWork, StringValueSchema, () => {
    start().catch((error) => log.debug({ err: error }, 'work on a bulk was broken off: the timer goes on with it'));
  });
  return async () => {
    stopping = true;
    stopListening();
    await stopTimer();
    await working?.catch(() => {});
  };
}
