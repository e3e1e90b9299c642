/** Resolves after `ms`, or as soon as `until` does, with what that gave. */
export async function pause<T>(ms: number, until: Promise<T>): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), ms);
  try {
    return await Promise.race([until, promise]);
  } finally {
    clearTimeout(timer);
  }
}
