import { createHash, randomBytes } from 'node:crypto';

/** What a token of a mail is for. */
export type MailTokenPurpose = 'reset-password' | 'new-email';

const hour = 3_600_000;

/** For how long tokens open what they are for, in milliseconds. */
export const mailTokenMs = { verify: 24 * hour, 'reset-password': hour / 2, 'new-email': 24 * hour } as const;

/** A new token: 256 bits, of which only the hash is stored. It stands in one mail and in the body of one request. */
export function newMailToken(): { readonly text: string; readonly hash: Buffer } {
  const text = randomBytes(32).toString('base64url');
  return { text, hash: hashOfMailToken(text) };
}

/** SHA-256. Tokens hold so much randomness that a slow hash would add nothing. */
export const hashOfMailToken = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest();
