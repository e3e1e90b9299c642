import type { Principal } from '@berth/contracts';

/** Who asks for something and from where. */
export interface Asker {
  /** Undefined: a stranger, on open routes. */
  readonly principal: Principal | undefined;
  /** An IP address; empty when Berth itself asks. */
  readonly clientAddress: string;
  readonly userAgent: string;
  readonly requestId: string;
}

/** For the audit log: the user whom somebody has just proved to be, whoever asked. */
export const asUser = ({ id, name }: { readonly id: string; readonly name: string }) =>
  ({ id, kind: 'user', name }) as const;

/** Berth itself, for what happens by the clock. */
export const berthItself: Asker = { principal: undefined, clientAddress: '', userAgent: '', requestId: '' };
