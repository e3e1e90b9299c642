import type { DomainError, WireError } from '@berth/errors';
import type { Bulk, BulkMode } from '../../domain/bulk/bulk.ts';
import type { Operation } from '../../domain/operations/operation.ts';
import type { Caller, Command } from '../commands.ts';
import type { KeyUse } from '../ports.ts';

/** What an item asks for, as it was staged. */
export interface StagedItem {
  readonly kind: 'provision' | 'decommission' | 'adopt' | 'refused';
  /** The name or id that it gives; empty when it was found wrong. Of an adoption: what on the router it is about. */
  readonly machineId: string;
  /** As it came over the wire. */
  readonly payload: Uint8Array;
}

/** What must hold when a bulk is staged or started. */
export interface BulkContext {
  readonly id: string;
  readonly deadline: Date;
  readonly caller: Caller;
  readonly requestId: string;
  readonly traceparent: string;
  readonly key: KeyUse | undefined;
  readonly mayWait: boolean;
}

/** Starts one transaction's look at a bulk that is about to be accepted. */
export interface StartingBulk {
  /** By the database's clock, after the bulk's row was locked. */
  readonly now: Date;
  /** Undefined when nothing is staged under this id. */
  readonly bulk: Bulk | undefined;
  /** What the key started within the last 24 hours; without a bulk when that was something else. */
  readonly first: { readonly bulk: Bulk | undefined; readonly fingerprint: Uint8Array } | undefined;
  /** How many items are staged without a gap from the first, and how many of them are removals. */
  readonly staged: { readonly items: number; readonly removals: number };
  /** Accepts it, and binds the key to it. */
  accept(accepted: { items: number; mode: BulkMode }): Promise<Bulk>;
  /** Drops what is staged. */
  drop(): Promise<void>;
}

/** A bulk's item with what became of it. */
export interface BulkItemResult {
  readonly index: number;
  readonly machineId: string;
  readonly operation: Operation | undefined;
  readonly error: WireError | undefined;
}

export interface BulkStore {
  /** Stores items from a place on; those that are there stay. Throws `BULK_NOT_FOUND` when the id is another principal's. */
  stage(context: BulkContext, offset: number, items: readonly StagedItem[]): Promise<void>;
  /** Runs `work` in a transaction that holds the bulk's row. */
  start<T>(context: BulkContext, work: (starting: StartingBulk) => Promise<T>): Promise<T>;
  /** One that has been accepted; whoever is about to accept it now is waited for. */
  find(id: string): Promise<Bulk | undefined>;
  /** Takes a bulk with something to do out of the others' sight, for as long as its work may take; those that waited longest first. */
  lease(): Promise<Bulk | undefined>;
  /** Lets others take it on. */
  release(id: string): Promise<void>;
  /** Staged items from a place on, in their order. */
  items(bulkId: string, from: number, most: number): Promise<readonly StagedItem[]>;
  /** What became of items, in their order. */
  results(bulkId: string, from: number, most: number): Promise<readonly BulkItemResult[]>;
  /** The routers of its operations that have not ended. A look without locks. */
  routersOf(bulkId: string): Promise<readonly string[]>;
  /** Operations that have ended or not, by id. */
  operations(ids: readonly string[]): Promise<ReadonlyMap<string, Operation>>;
}

/** Makes the command that an item asks for, with its bulk's caller; or says why it cannot be one. */
export type ReadItem = (bulk: Bulk, index: number, item: StagedItem) => Command | DomainError;
