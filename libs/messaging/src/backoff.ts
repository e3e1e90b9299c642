/** How long to wait before try number `attempt` (from 1): doubles from `firstMs` up to `mostMs`, less up to a quarter by chance. */
export function backoffMs(attempt: number, { firstMs = 200, mostMs = 60_000, random = Math.random } = {}): number {
  const full = Math.min(mostMs, firstMs * 2 ** Math.min(attempt - 1, 20));
  return Math.round(full * (1 - random() / 4)); // spread, so that replicas do not come back all at once
}
