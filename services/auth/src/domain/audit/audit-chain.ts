import { createHash } from 'node:crypto';

/** An entry of the audit log, as it is hashed: all that it says, in JSON's own types. */
export interface AuditEntry {
  readonly id: string;
  /** ISO 8601, in milliseconds and UTC. */
  readonly at: string;
  readonly action: string;
  readonly result: string;
  readonly actor: { readonly id: string; readonly kind: string; readonly name: string };
  readonly resource: { readonly type: string; readonly id: string; readonly name: string };
  readonly client_address: string;
  readonly user_agent: string;
  readonly request_id: string;
  readonly trace_id: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly details: unknown;
}

/** Where a chain stands: its last entry, and that entry's hash. */
export interface ChainEnd {
  readonly seq: number;
  /** 32 bytes; of an empty chain zeros. */
  readonly hash: Buffer;
}

/**
 * What a signed head says: the chain stood so at that time. An anchor: entries up to this one were dropped. A rotation: from here on another
 * key signs, which this one vouches for.
 */
export interface Head {
  readonly kind: 'head' | 'anchor' | 'rotation';
  readonly seq: number;
  /** In hexadecimal. */
  readonly hash: string;
  readonly at: string;
  readonly key_id: string;
  /** Of a rotation: the key that signs what comes after. */
  readonly new_key_id?: string;
  /** Of a rotation, PEM. */
  readonly new_public_key?: string;
}

/** The text of an entry at its place in the chain: what is hashed, and what an export shows. */
export const sealedText = (entry: AuditEntry, seq: number, previousHash: Buffer): string =>
  canonicalJson({ ...entry, seq, previous_hash: previousHash.toString('hex') });

/** The hash of a sealed entry. */
export const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest();

/** The text that a head's signature is about. */
export const headText = (head: Head): string => canonicalJson(head);

/** JSON with sorted names and without blanks: the same value is always the same text (RFC 8785, for what JSON.parse gives). */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value).filter(([, inner]) => inner !== undefined);
  fields.sort(([one], [other]) => (one < other ? -1 : 1)); // by UTF-16 code units, as RFC 8785 wants
  return `{${fields.map(([name, inner]) => `${JSON.stringify(name)}:${canonicalJson(inner)}`).join(',')}}`;
}
