import { createHash, randomBytes } from 'node:crypto';

/** 256 random bits: a hash that is not slow is enough to keep them. */
export const newRefreshToken = (): string => `brt_${randomBytes(32).toString('base64url')}`;

export const hashOfRefreshToken = (token: string): Buffer => createHash('sha256').update(token).digest();
