import { type AccessFact, AccessPositionSchema, AccessService, subjects } from '@berth/contracts';
import { type Bus, listen, request } from '@berth/messaging';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { AccessState } from './access-state.ts';

/** Auth tells its position twice a second; whoever has not heard of it for so long may have missed a revocation. */
const silentMs = 3_000;
/** Auth keeps old facts for a day; long before that all of them are read anew. */
const beginAgainAfterMs = 3_600_000;
/** Auth names a lower position than ours for so long: its database is another one, or was put back. */
const behindMs = 1_000;
const lookEveryMs = 500;
const answerTimeoutMs = 1_000;
/** The machine's clock was set, or the machine slept: how long ago something was nobody can say. */
const steppedMs = 1_000;
/** Auth keeps facts for so much longer than the tokens last that they are about: whoever is further behind would take tokens that were revoked and have ended for good ones. */
const clockMarginMs = 300_000;

/** When something was. */
interface Moment {
  /** By the monotonic clock, which stands still while the machine sleeps. */
  readonly at: number;
  /** By how much the machine's clock was ahead of that. */
  readonly clockAhead: number;
}

const momentNow = (): Moment => {
  const at = performance.now();
  return { at, clockAhead: Date.now() - at };
};

const never: Moment = { at: Number.NEGATIVE_INFINITY, clockAhead: 0 };

/**
 * Keeps an `AccessState` true: reads all facts, and those after them when auth tells of newer ones. Once it may have missed something
 * (silence, a lost connection, a pause of the process) the state is not current until auth has answered a question asked since.
 */
export class AccessFeed {
  readonly #bus: Bus;
  readonly #state: AccessState;
  readonly #lapsed = new Set<() => void>();
  /** When everything was known. */
  #confirmed = never;
  #isFarBehind = false;
  /** When auth last named our position or a higher one. */
  #keptUpAt = Number.NEGATIVE_INFINITY;
  /** Of which history the state's position is; undefined: nothing was read yet. */
  #epoch: string | undefined;
  /** Auth named another history than ours. */
  #isOtherHistory = false;
  /** Grows with each lost connection: answers from before do not count. */
  #generation = 0;
  #reading: Promise<void> | undefined;
  #again = false;

  constructor(bus: Bus, state: AccessState) {
    this.#bus = bus;
    this.#state = state;
  }

  /** Whether every revocation that auth told of up to a moment ago is known. */
  isCurrent(): boolean {
    const { at, clockAhead } = momentNow();
    const isConfirmed =
      at - this.#confirmed.at < silentMs && Math.abs(clockAhead - this.#confirmed.clockAhead) < steppedMs;
    return isConfirmed && this.#state.isComplete(at + clockAhead) && this.#bus.isConnected();
  }

  /** Asks auth once more: afterwards everything is known that was told before this call, unless auth could not be asked. */
  async readNow(): Promise<void> {
    await this.#reading; // it may have asked before
    this.#readSoon();
    await this.#reading;
  }

  /** Calls `listener` when the connection was lost. Gives back its stop. */
  onLapse(listener: () => void): () => void {
    this.#lapsed.add(listener);
    return () => void this.#lapsed.delete(listener);
  }

  /** Begins; gives back its stop. */
  start(): () => void {
    const stopListening = listen(this.#bus, subjects.accessPosition, AccessPositionSchema, ({ position, epoch }) =>
      this.#told(position, epoch),
    );
    const timer = setInterval(() => this.#look(), lookEveryMs);
    timer.unref();
    let stopped = false;
    void this.#watchConnection(() => stopped);
    this.#readSoon();
    return () => {
      stopped = true;
      clearInterval(timer);
      stopListening();
      this.#confirmed = never;
    };
  }

  async #watchConnection(stopped: () => boolean): Promise<void> {
    for await (const { type } of this.#bus.connection.status()) {
      if (stopped()) return;
      if (type === 'disconnect' || type === 'staleConnection') this.#lapse();
      if (type === 'reconnect') this.#readSoon();
    }
  }

  #lapse(): void {
    this.#generation++;
    // Not as if nothing had ever been known: a short loss need not read everything anew.
    this.#confirmed = { ...this.#confirmed, at: Math.min(this.#confirmed.at, performance.now() - silentMs) };
    for (const listener of this.#lapsed) listener();
  }

  #look(): void {
    this.#state.dropOld(Date.now());
    if (!this.isCurrent()) this.#readSoon();
  }

  #told(position: bigint, epoch: string): void {
    const now = momentNow();
    if (this.#isStrange(epoch)) {
      this.#isOtherHistory = true;
      this.#readSoon();
      return;
    }
    if (position >= this.#state.position) this.#keptUpAt = now.at;
    // What is told after a pause may have waited as long as the pause: only an answer makes the state current again.
    const isNewest = position === this.#state.position || now.at - this.#keptUpAt < behindMs;
    if (position <= this.#state.position && isNewest && this.isCurrent()) this.#confirmed = now;
    else this.#readSoon();
  }

  /** An older auth tells none: then positions alone have to do. */
  #isStrange(epoch: string): boolean {
    return epoch !== '' && this.#epoch !== undefined && epoch !== this.#epoch;
  }

  /** One reading at a time; news during one cause another one after it. */
  #readSoon(): void {
    if (this.#reading !== undefined) {
      this.#again = true;
      return;
    }
    this.#again = false;
    this.#reading = this.#read()
      .catch((error) => this.#bus.log.debug({ err: error }, 'could not read access facts'))
      .finally(() => {
        this.#reading = undefined;
        if (this.#again) this.#readSoon();
      });
  }

  async #read(): Promise<void> {
    if (!this.#bus.isConnected()) return;
    const generation = this.#generation;
    const beginsAgain = this.#mustBeginAgain();
    const gathered: AccessFact[] = [];
    let epoch: string | undefined;
    for (let after = beginsAgain ? 0n : this.#state.position; ; ) {
      const asked = momentNow();
      const answer = await request(
        this.#bus,
        AccessService.method.getAccessFacts,
        { after },
        { timeoutMs: answerTimeoutMs },
      );
      epoch ??= answer.epoch;
      const isOther = beginsAgain ? answer.epoch !== epoch : this.#isStrange(answer.epoch);
      if (isOther) this.#isOtherHistory = true;
      if (isOther || generation !== this.#generation) {
        this.#again = true;
        return;
      }
      after = answer.position;
      if (beginsAgain) gathered.push(...answer.facts);
      else this.#state.apply(answer.facts, after);
      if (answer.more) continue;
      if (beginsAgain) {
        this.#state.replace(gathered, after);
        this.#keptUpAt = asked.at;
        this.#isOtherHistory = false;
      }
      this.#epoch = epoch || this.#epoch;
      this.#noteClock(answer.now && timestampMs(answer.now));
      this.#confirmed = this.#isFarBehind ? { ...asked, at: asked.at - silentMs } : asked;
      return;
    }
  }

  /** `there`: what auth's clock said a moment ago, in milliseconds since 1970; undefined: it does not tell. */
  #noteClock(there: number | undefined): void {
    const behindBy = there === undefined ? 0 : there - Date.now();
    const wasFarBehind = this.#isFarBehind;
    this.#isFarBehind = behindBy > clockMarginMs;
    if (this.#isFarBehind && !wasFarBehind) {
      this.#bus.log.error(
        { behindByMs: behindBy },
        'the clock is too far behind that of auth: no access token is accepted',
      );
    }
    if (!this.#isFarBehind && wasFarBehind) this.#bus.log.info('the clock is that of auth again');
  }

  #mustBeginAgain(): boolean {
    const now = performance.now();
    if (this.#isOtherHistory || this.#state.position === 0n || now - this.#confirmed.at > beginAgainAfterMs)
      return true;
    if (!this.#state.isComplete(Date.now())) return true;
    return this.isCurrent() && now - this.#keptUpAt >= behindMs;
  }
}
