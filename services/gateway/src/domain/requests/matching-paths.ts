/** Whether what a route's `path` matches is matched by `pattern` too, whose parameters (`:name`) stand for one segment each. */
export function isWithinPattern(path: string, pattern: string): boolean {
  const segments = path.split('/');
  const wanted = pattern.split('/');
  return (
    path !== pattern &&
    segments.length === wanted.length &&
    wanted.every((segment, index) => segment.startsWith(':') || segment === segments[index])
  );
}
