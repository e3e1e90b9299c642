/**
 * How a router stands: never seen; answers; does not answer; did not answer for so long that only a probe is sent now and then; refused
 * the way back, so that only reads are sent until reconciliation has settled it; fails every commit because of what somebody else
 * configured, so that changes wait; switched off by people; not managed any more.
 */
export type RouterState =
  | 'unseen'
  | 'ok'
  | 'unreachable'
  | 'breaker_open'
  | 'unknown'
  | 'blocked'
  | 'disabled'
  | 'removed';
