import type { Pool } from './pool.ts';

/** Values that are kept by hand. */
export interface Reservation {
  readonly id: string;
  readonly pool: Pool;
  readonly first: number;
  readonly last: number;
  /** Ports: under these; empty for other pools. */
  readonly protocols: readonly ('tcp' | 'udp')[];
  readonly note: string;
  readonly expiresAt: Date | null;
  readonly principalId: string;
  readonly principalName: string;
  readonly createdAt: Date;
}

/** Something that happened to a pool; `pool` is how it was left, of a removal how it was. */
export type PoolChange =
  | { readonly kind: 'created' | 'deleted'; readonly pool: Pool; readonly at: Date }
  | { readonly kind: 'updated'; readonly pool: Pool; readonly before: Pool; readonly at: Date }
  | {
      readonly kind: 'reserved' | 'released';
      readonly pool: Pool;
      readonly reservation: Reservation;
      readonly at: Date;
    }
  | { readonly kind: 'threshold'; readonly pool: Pool; readonly reached: number; readonly at: Date };
