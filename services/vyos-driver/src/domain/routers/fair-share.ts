/** How many of `routers` one of `replicas` works at most, so that each has its part; at least one. */
export const fairShare = (routers: number, replicas: number): number =>
  Math.max(1, Math.ceil(routers / Math.max(1, replicas)));
