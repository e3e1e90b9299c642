import { hash } from '@node-rs/argon2';

/** argon2id with 19 MiB and two passes, as OWASP advises; the parameters stand in the hash. Runs off the event loop. */
export const hashPassword = (password: string): Promise<string> =>
  hash(password, { memoryCost: 19_456, timeCost: 2, parallelism: 1 });
