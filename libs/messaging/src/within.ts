/** Whether `work` ended in time. It goes on when it did not; its failure counts as an end. */
export async function endsWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => resolve(false), ms);
  const end = () => true as const;
  try {
    return await Promise.race([work.then(end, end), late]);
  } finally {
    clearTimeout(timer);
  }
}
