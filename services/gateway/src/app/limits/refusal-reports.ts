/** Who had how many refusals. */
export interface RefusalCount {
  readonly subject: string;
  readonly refusals: number;
}

const mostSubjects = 10_000;
const mostInOneReport = 1_000;

/** Collects refusals by address, so that they are reported many at once. */
export class RefusalReports {
  readonly #report: (counts: readonly RefusalCount[]) => Promise<unknown>;
  #counts = new Map<string, number>();

  constructor(report: (counts: readonly RefusalCount[]) => Promise<unknown>) {
    this.#report = report;
  }

  /** Counts one. When there are too many addresses already, a new one is not counted: the next report makes room. */
  note(subject: string): void {
    const before = this.#counts.get(subject);
    if (before === undefined && this.#counts.size >= mostSubjects) return;
    this.#counts.set(subject, (before ?? 0) + 1);
  }

  /** Reports what came together. What cannot be reported is dropped: it makes a block come later, nothing else. */
  async flush(): Promise<void> {
    const counts = [...this.#counts].map(([subject, refusals]) => ({ subject, refusals }));
    this.#counts = new Map();
    for (let from = 0; from < counts.length; from += mostInOneReport) {
      await this.#report(counts.slice(from, from + mostInOneReport));
    }
  }
}
