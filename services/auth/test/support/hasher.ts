import { Argon2Hasher } from '../../src/adapters/crypto/argon2-hasher.ts';
import { testSessions } from './world.ts';

/** argon2id that costs next to nothing. */
export const testHasher = (): Argon2Hasher => new Argon2Hasher(testSessions.hashing);
