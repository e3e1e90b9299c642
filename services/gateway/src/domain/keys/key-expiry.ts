import { WrongValue } from '../field-checks.ts';
import { parseTime } from '../parse-time.ts';

const dayMs = 86_400_000;

/** When a key shall end: at a moment in the future, after some days, or never (`undefined`). */
export function parseExpiry(
  given: { expires_at?: string | null; expires_in_days?: number | null },
  now: Date,
): Date | undefined {
  const { expires_at, expires_in_days } = given;
  if (expires_at && expires_in_days) throw new WrongValue('must not be given together with expires_in_days');
  if (expires_in_days) return new Date(now.getTime() + expires_in_days * dayMs);
  if (!expires_at) return undefined;
  const moment = parseTime(expires_at);
  if (moment <= now) throw new WrongValue('must lie in the future');
  return moment;
}
