/** How many are kept: each may be a whole configuration. */
const kept = 2;
const keptMs = 60_000;

/** The last few answers that never change, so that the pages of one are not computed again. Forgotten after a minute without a question. */
export class RecentAnswers<T> {
  readonly #answers = new Map<string, Promise<T>>();
  #timer: NodeJS.Timeout | undefined;

  /** The answer of that name. A failure is not kept. */
  get(name: string, compute: () => Promise<T>): Promise<T> {
    const answer = this.#answers.get(name) ?? compute();
    this.#answers.delete(name);
    this.#answers.set(name, answer);
    answer.catch(() => this.#answers.delete(name));
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= kept) break;
      this.#answers.delete(oldest);
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#answers.clear(), keptMs).unref();
    return answer;
  }
}
