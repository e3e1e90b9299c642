/** A key that signs access tokens, without its secret part. */
export interface SigningKey {
  /** The `kid` of its tokens. */
  readonly id: string;
  /** A JWK (RFC 7517). */
  readonly publicJwk: object;
  readonly createdAt: Date;
  readonly signsFrom: Date;
  /** From then on it verifies nothing any more; undefined: not known yet, or never. */
  readonly verifiesUntil: Date | undefined;
}

/** The one that signs at `now`. `keys`: the newest first. */
export const signingAt = (keys: readonly SigningKey[], now: Date): SigningKey | undefined =>
  keys.find(({ signsFrom }) => signsFrom <= now);

/** A transaction that began before a newer key signed has surely ended so long after. */
const lastSignatureAfterMs = 60_000;

/** Keys that sign nothing any more, of which it is not known yet how long they have to verify. */
export function replacedKeys(keys: readonly SigningKey[], now: Date): readonly SigningKey[] {
  const since = new Date(now.getTime() - lastSignatureAfterMs);
  const current = signingAt(keys, since);
  if (current === undefined) return [];
  return keys.slice(keys.indexOf(current) + 1).filter(({ verifiesUntil }) => verifiesUntil === undefined);
}
