import type { Fragment } from './fragment.ts';
import type { Revision } from './revision.ts';

/** Why a line is on the router; kept with each batch. */
export interface Cause {
  readonly operationId: string;
  readonly requestId: string;
  readonly principalId: string;
  readonly principalName: string;
  /** W3C traceparent. */
  readonly traceparent: string;
}

/** Codes of rejected changes; docs/errors.md explains them. */
export type RejectionCode =
  /** The router refused the change. */
  | 'ROUTER_REFUSED'
  /** Somebody else holds on the router what the change asks for. */
  | 'ROUTER_CONFLICT'
  /** No router of that name is managed here. */
  | 'ROUTER_UNKNOWN'
  /** The change could not become router configuration: text that is not data, numbers out of range. */
  | 'CHANGE_INVALID';

/** Which of a change's values others hold: the fields of `berth.driver.v1.Conflict`. Those that a kind has no use for are 0 or empty. */
export interface Conflict {
  readonly kind: 'address' | 'mac' | 'mapping_name' | 'rule_number' | 'port';
  readonly value: string;
  /** Rule number: both the same. Port: the range that was asked for. */
  readonly firstNumber: number;
  readonly lastNumber: number;
  /** Where others hold it, for people. */
  readonly path: string;
}

/** A conflict, and its words for people. */
export interface Clash {
  readonly conflict: Conflict;
  readonly text: string;
}

/** A change that the router holds now, as far as verdicts are concerned. */
export interface AppliedChange {
  readonly resourceId: string;
  readonly revision: Revision;
  readonly fragment: Fragment;
}

/** A change that failed for good; the router holds what it held before. */
export interface RejectedChange {
  readonly resourceId: string;
  readonly revision: Revision;
  readonly code: RejectionCode;
  /** The router's words, secrets removed, or ours. */
  readonly text: string;
  /** With `ROUTER_CONFLICT`. */
  readonly conflict?: Conflict;
}
