import type { SigningKey } from '../../domain/sessions/signing-key.ts';

/** The keys that sign access tokens, within a transaction. Secret parts are stored encrypted and never given out. */
export interface SigningKeyStore {
  /** Those that sign or verify, the one that signs last first. */
  all(): Promise<readonly SigningKey[]>;
  make(signsFrom: Date): Promise<SigningKey>;
  /** It signs nothing any more: its secret part is forgotten. */
  retire(id: string, verifiesUntil: Date): Promise<void>;
  remove(id: string): Promise<void>;
}
