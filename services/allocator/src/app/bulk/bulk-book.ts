import type { WireError } from '@berth/errors';
import type { Bulk, ItemError } from '../../domain/bulk/bulk.ts';
import type { KeyUse } from '../ports.ts';

/** Bulks of one transaction. Taken after the routers' locks: their rows change within short moments at a transaction's end. */
export interface BulkBook {
  /** Locks it, and gives it as it stands. */
  lock(id: string): Promise<Bulk | undefined>;
  /** Makes one whose items have all been looked at, in this transaction; binds the key to it. */
  begin(
    bulk: Bulk,
    items: readonly {
      readonly index: number;
      readonly kind: 'provision' | 'decommission' | 'refused';
      readonly machineId: string;
    }[],
    key: KeyUse | undefined,
  ): Promise<void>;
  /** Written when the transaction commits; whoever waits for its end hears of it. */
  put(bulk: Bulk): void;
  /** Says why items were refused or taken back; the newest word counts. */
  setErrors(bulkId: string, errors: readonly ItemError[]): Promise<void>;
  /** The same of every item from a place on that has no word yet. */
  setErrorFrom(bulkId: string, from: number, error: WireError): Promise<void>;
  /** The same of every item that has no word yet. */
  setErrorOfOthers(bulkId: string, error: WireError): Promise<void>;
}
