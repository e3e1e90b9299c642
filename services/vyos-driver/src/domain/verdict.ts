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
}
