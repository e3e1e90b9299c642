/** Does `work` for each item with so many callers at once; results in the order of the items. */
export async function inParallel<T, R>(
  items: readonly T[],
  callers: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  const caller = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index] as T);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return results;
}

/** `prefix-0` … `prefix-(count-1)`. */
export const names = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
