/** What has been started so far and how to stop it; later steps stop first, those of one step together. */
export class StopOrder {
  readonly #steps: (() => Promise<void>)[][] = [];
  #stopping: Promise<void> | undefined;

  /** Begins a step: what is added from now on stops before what was added earlier. */
  nextStep(): void {
    this.#steps.push([]);
  }

  add(stop: () => Promise<void>): void {
    if (this.#steps.length === 0) this.nextStep();
    this.#steps.at(-1)?.push(stop);
  }

  /** Stops everything once, however often it is asked. One that cannot be stopped does not keep the others running. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #stopAll(): Promise<void> {
    const failures: unknown[] = [];
    for (const step of this.#steps.reverse()) {
      const results = await Promise.allSettled(step.map((stop) => stop()));
      failures.push(...results.filter((result) => result.status === 'rejected').map((result) => result.reason));
    }
    if (failures.length > 0) throw new AggregateError(failures, 'Not everything could be stopped.');
  }
}
