/** How much of something is allowed in a time. */
export interface Limit {
  /** What is counted: an endpoint group; empty: all of them together. */
  readonly endpointGroup: string;
  readonly windowSeconds: 60 | 3_600 | 86_400;
  /** 0: without limit. */
  readonly requests: number;
}
