/** What happened so far. All counts are since the start of the simulator; a reboot does not reset them. */
export type Counts = {
  /** Requests to the API's HTTPS port, of any kind and outcome. */
  requests: number;
  /**
   * `/configure`, `/configure-section` and `/config-file load` requests that came to a commit with something to change,
   * whether it succeeded, failed or was partial. Saves and requests that changed nothing are not counted.
   */
  commits: number;
  /** `/config-file save` requests that succeeded. */
  saves: number;
  /** Commits that changed something below `service dhcp-server`: each restarts the DHCP daemon. */
  dhcp_restarts: number;
  /** The most requests that were in flight at once. */
  max_in_flight: number;
  /** Write requests that had nothing to change. */
  empty_configures: number;
  /** `/retrieve` requests. */
  reads: number;
  /** The most `/retrieve` requests that were in flight at once. */
  reads_in_flight_max: number;
  /** `/retrieve` requests that overlapped a write request. */
  reads_beside_write: number;
  /** Write requests that overlapped another write request. */
  configures_overlapped: number;
  /** Write requests answered 400. */
  refused: number;
  /** Commits by a person (control interface). */
  person_commits: number;
  reboots: number;
  /** Commits that nobody confirmed in time and that were taken back, by a reload or by a reboot. */
  reverts: number;
};

export type Counters = Counts & {
  /** Whether a commit waits for its confirmation at this moment. */
  readonly pending_confirm: boolean;
};

export const noCounts = (): Counts => ({
  requests: 0,
  commits: 0,
  saves: 0,
  dhcp_restarts: 0,
  max_in_flight: 0,
  empty_configures: 0,
  reads: 0,
  reads_in_flight_max: 0,
  reads_beside_write: 0,
  configures_overlapped: 0,
  refused: 0,
  person_commits: 0,
  reboots: 0,
  reverts: 0,
});
