/** Hashes passwords, slowly on purpose and off the event loop. Call it before a transaction, never within one. */
export interface PasswordHasher {
  /** With its parameters in it. */
  hash(password: string): Promise<string>;
  /** False where there is no hash (null), after the same work. */
  verify(hash: string | null, password: string): Promise<boolean>;
  /** Whether it was made with other parameters than `hash` would use now. */
  isOutdated(hash: string): boolean;
}
