import type { Vault } from '@berth/vault';

/** A table with secrets that are sealed with a master key, whose name stands in its column `master_key_id`. */
export interface SealedTable {
  readonly table: string;
  /** Its primary key: one column. */
  readonly id: { readonly column: string; readonly type: 'text' | 'uuid' | 'bytea' };
  /** What holds the sealed bytes; null together with `master_key_id`: nothing is stored. */
  readonly sealed: string;
  /** What the secret of a row is bound to. Of a bytea the id is in hexadecimal. */
  boundTo(id: string): readonly string[];
}

/** A row of a sealed table that holds a secret. */
export interface SealedRow {
  readonly id: string | Buffer;
  readonly bytes: Buffer;
  readonly master_key_id: string;
}

/** The row's id, for people and for what its secret is bound to. */
export const idText = ({ id }: SealedRow): string => (typeof id === 'string' ? id : id.toString('hex'));

/** The row's secret under the master key that writes. Throws `conflict` SECRET_UNREADABLE. */
export function sealedAnew(vault: Vault, { boundTo }: SealedTable, row: SealedRow): Buffer {
  const binding = boundTo(idText(row));
  return vault.seal(vault.open({ bytes: row.bytes, masterKeyId: row.master_key_id }, binding), binding).bytes;
}
