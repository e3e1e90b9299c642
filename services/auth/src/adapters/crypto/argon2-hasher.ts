import { hash, parseOptions, verify } from '@node-rs/argon2';
import type { PasswordHasher } from '../../app/password-hasher.ts';

/** OWASP's choice for argon2id: 19 MiB, two passes, one lane. */
const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
/** Each works on a thread of the pool that files and name look-ups share. */
const mostAtOnce = 2;
/** Of no password: what a missing hash is compared with. */
const nobodys = hash('', parameters);

/** argon2id. At most two at once; others wait for their turn. */
export function argon2Hasher(): PasswordHasher {
  const inTurn = turns(mostAtOnce);
  return {
    hash: (password) => inTurn(() => hash(password, parameters)),
    verify: async (stored, password) => {
      const against = stored ?? (await nobodys);
      return (await inTurn(() => verify(against, password))) && stored !== null;
    },
    isOutdated(stored) {
      const { memoryCost, timeCost, parallelism } = parseOptions(stored);
      return (
        memoryCost !== parameters.memoryCost ||
        timeCost !== parameters.timeCost ||
        parallelism !== parameters.parallelism
      );
    },
  };
}

function turns(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running === most) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await work();
    } finally {
      const next = waiting.shift(); // takes over the place
      if (next === undefined) running--;
      else next();
    }
  };
}
