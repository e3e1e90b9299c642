/** Bounds how often signing in may fail, for all replicas together. */
export interface SignInThrottle {
  /** Counts an attempt before it is looked at. Throws `rate_limited` SIGN_IN_LIMITED when there were too many failures. */
  take(login: string, clientAddress: string): Promise<void>;
  /** The attempt that was counted was none of the failures. */
  forgive(login: string, clientAddress: string): Promise<void>;
}
