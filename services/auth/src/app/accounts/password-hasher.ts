/** Hashes passwords, slowly on purpose. All of it goes through one bounded queue: throws `unavailable` SIGN_IN_BUSY when that is full. */
export interface PasswordHasher {
  /** A hash that holds its own parameters. */
  hash(password: string): Promise<string>;
  /** Whether `hash` was made of `password`. Null (nobody has this password) takes as long as any other and is false. */
  verify(hash: string | null, password: string): Promise<boolean>;
  /** Whether `hash` was made with other parameters than a new one would be. */
  isOutdated(hash: string): boolean;
}
