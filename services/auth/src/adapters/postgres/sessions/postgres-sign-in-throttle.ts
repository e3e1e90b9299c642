import { createHash } from 'node:crypto';
import type { Sql } from '@berth/database';
import { DomainError } from '@berth/errors';
import type { SignInThrottle } from '../../../app/sessions/sign-in-throttle.ts';
import { networkOf } from '../../../domain/limits/address-network.ts';

/** How many failures are allowed within a window. */
export interface SignInBounds {
  /** With one name from one address. */
  readonly failures: number;
  /** From one address. */
  readonly failuresOfAddress: number;
  readonly windowSeconds: number;
}

const keyOf = (...parts: string[]): Buffer => createHash('sha256').update(JSON.stringify(parts)).digest();

/** Counts in auth's schema, so that all replicas count together. What was typed as a name is kept as a hash only. */
export function postgresSignInThrottle(sql: Sql, bounds: SignInBounds): SignInThrottle {
  const keysOf = (login: string, clientAddress: string) => {
    const network = networkOf(clientAddress);
    return { ofBoth: keyOf('both', login.toLowerCase(), network), ofAddress: keyOf('address', network) };
  };
  return {
    async take(login, clientAddress) {
      const { ofBoth, ofAddress } = keysOf(login, clientAddress);
      const rows = await sql.query<{ key: Buffer; failures: number; seconds: number }>(
        `INSERT INTO sign_in_failures AS f (key, failures, window_ends_at)
         SELECT key, 1, clock_timestamp() + make_interval(secs => $2) FROM unnest($1::bytea[]) AS key ORDER BY key
         ON CONFLICT (key) DO UPDATE SET
           failures = CASE WHEN f.window_ends_at <= clock_timestamp() THEN 1 ELSE f.failures + 1 END,
           window_ends_at = CASE WHEN f.window_ends_at <= clock_timestamp() THEN excluded.window_ends_at ELSE f.window_ends_at END
         RETURNING key, failures, ceil(extract(epoch FROM window_ends_at - clock_timestamp()))::integer AS seconds`,
        [[ofBoth, ofAddress], bounds.windowSeconds],
      );
      const over = rows.filter(
        ({ key, failures }) => failures > (key.equals(ofBoth) ? bounds.failures : bounds.failuresOfAddress),
      );
      if (over.length > 0) throw limited(Math.max(1, ...over.map(({ seconds }) => seconds)));
    },

    async forgive(login, clientAddress) {
      const { ofBoth, ofAddress } = keysOf(login, clientAddress);
      await sql.execute(
        `UPDATE sign_in_failures f SET failures = CASE WHEN f.key = $1 THEN 0 ELSE f.failures - 1 END
         FROM (SELECT key FROM sign_in_failures WHERE key IN ($1, $2) ORDER BY key FOR UPDATE) AS counted WHERE f.key = counted.key`,
        [ofBoth, ofAddress],
      );
    },
  };
}

const limited = (retryAfterSeconds: number): DomainError =>
  new DomainError('rate_limited', 'SIGN_IN_LIMITED', 'Signing in failed too often. Try again later.', {
    retryAfterSeconds,
  });
