import { setImmediate as nextTurn, setTimeout as realPause } from 'node:timers/promises';
import { DriftService } from '@berth/contracts';
import { request } from '@berth/messaging';
import type { TestScope } from '@berth/testing';
import { Dice } from './dice.ts';
import { judge } from './judge.ts';
import type { ForeignThings } from './person-steps.ts';
import { RouterView } from './router-view.ts';
import { type StepName, takeStep, weights } from './steps.ts';
import { type System, startSystem } from './system.ts';
import { granted, type WantedVm, type Wish } from './wanted-vms.ts';

/** Something that was accepted, and may still fail. */
export interface PendingWish {
  readonly vmId: string;
  readonly operationId: string;
  readonly wish: Wish;
}

export interface SoakResult {
  readonly steps: Readonly<Record<string, number>>;
  readonly succeeded: number;
  readonly failed: number;
  readonly refusedAtOnce: number;
  readonly commits: number;
  /** Why operations did not succeed, and how often. */
  readonly reasons: Readonly<Record<string, number>>;
}

/** At most so many steps between two times of rest. */
const mostBetweenRests = 60;
/** So many waits of the workers' pass at most after each step: what is asked meets the faults that were put in its way. */
const waitsAfterAStep = 8;
/** What is still on its way goes on so long before the faults are taken away. */
const waitsWithFaults = 100;
/** Of real time. What is not at rest by then never will be: waiting costs no time here. */
const restWithinMs = 60_000;

/**
 * Does `count` random steps to Berth and its router, and compares all with the model whenever it has come to rest. The same seed does the same
 * steps. Throws at the first difference.
 */
export async function soak(
  scope: TestScope,
  { seed, count, onRest = () => {} }: { seed: number; count: number; onRest?: (stepsDone: number) => void },
): Promise<SoakResult> {
  const run = new Soak(await startSystem(scope), new Dice(seed));
  const steps: Partial<Record<StepName, number>> = {};
  for (let done = 0; done < count; ) {
    const until = Math.min(count, done + 1 + run.dice.number(mostBetweenRests));
    for (; done < until; done++) {
      const step = run.dice.weighted(weights);
      steps[step] = (steps[step] ?? 0) + 1;
      await takeStep(run, step);
      await run.letTimePass(run.dice.number(waitsAfterAStep));
    }
    await run.rest();
    onRest(done);
  }
  return {
    steps,
    ...run.totals,
    refusedAtOnce: run.refusedAtOnce,
    commits: run.system.router.counters().commits,
    reasons: run.reasons,
  };
}

const operator = {
  id: 'soak',
  kind: 'api_key',
  name: 'soak',
  group: '',
  permissions: ['routers:admin', 'routers:read'],
};

/** One run: the system, and the model of it. */
export class Soak {
  readonly system: System;
  readonly dice: Dice;
  readonly router: RouterView;
  readonly restAtFirst: string;
  readonly foreign: ForeignThings;
  /** What is accepted since the last rest, in order. */
  wishes: PendingWish[] = [];
  /** The VMs, if all that was accepted succeeds; after a rest: the VMs. */
  readonly expected = new Map<string, WantedVm>();
  /** The VMs at the last rest. */
  #settled = new Map<string, WantedVm>();
  /** Whether somebody changed something of Berth's on the router since the last rest. */
  meddled = false;
  refusedAtOnce = 0;
  readonly totals = { succeeded: 0, failed: 0 };
  /** Why operations did not succeed, and how often. */
  readonly reasons: Record<string, number> = {};

  constructor(system: System, dice: Dice) {
    this.system = system;
    this.dice = dice;
    this.router = new RouterView(system.router);
    this.restAtFirst = this.router.rest();
    const { router } = this;
    this.foreign = {
      rules: new Map(Object.entries(router.rules() as Record<string, object>)),
      mappings: new Map(Object.entries(router.mappings() as Record<string, object>)),
    };
  }

  /** Something was accepted: what is expected once it succeeds. */
  note(pending: PendingWish): void {
    this.wishes.push(pending);
    const after = granted(this.expected.get(pending.vmId), pending.wish);
    if (after === undefined) this.expected.delete(pending.vmId);
    else this.expected.set(pending.vmId, after);
  }

  /** Whether nothing was asked since the last rest. */
  isAtRest(): boolean {
    return this.wishes.length === 0;
  }

  /** The workers go on, so many waits of theirs long. */
  async letTimePass(waits: number): Promise<void> {
    for (let left = waits; left > 0; left--) {
      if (this.system.clock.waiting >= this.system.drivers.length) this.system.clock.toNext();
      await nextTurn();
    }
  }

  /** The router is away for long enough to be missed: it is asked every few seconds, and no router comes back sooner. */
  async rebootRouter(): Promise<void> {
    const { router, clock } = this.system;
    let isUp = false;
    const up = router.reboot({ downMs: 60 }).then(() => {
      isUp = true;
    });
    const until = clock.now() + 30_000;
    while (!isUp || clock.now() < until) {
      await this.letTimePass(1);
      await realPause(1);
    }
    await up;
  }

  /** The eldest replica stands still until another has taken its router from it; then it goes on. */
  async loseLease(): Promise<void> {
    const { drivers, database } = this.system;
    if (drivers.length < 2) await this.system.startDriver();
    const [eldest] = drivers;
    eldest?.pause();
    await database.execute('UPDATE vyos_driver.routers SET lease_until = clock_timestamp()');
    await this.#untilTakenOver();
    // It learns at its next renewal that the lease is another's, and that takes real time.
    await realPause(noticedWithinMs);
    eldest?.resume();
    drivers.push(...drivers.splice(0, 1));
  }

  /** The eldest replica is gone from one moment to the next, and a new one comes. */
  async killDriver(): Promise<void> {
    const { drivers, database } = this.system;
    const [eldest] = drivers.splice(0, 1);
    eldest?.pause();
    await database.execute('UPDATE vyos_driver.routers SET lease_until = clock_timestamp()');
    const gone = eldest?.abandon();
    await this.system.startDriver();
    await gone;
  }

  async #untilTakenOver(): Promise<void> {
    const { database, clock } = this.system;
    const leaseEpoch = 'SELECT lease_epoch FROM vyos_driver.routers';
    const before = await database.query<{ lease_epoch: string }>(leaseEpoch);
    for (let left = 500; left > 0; left--) {
      if (clock.waiting > 0) clock.toNext();
      await nextTurn();
      const now = await database.query<{ lease_epoch: string }>(leaseEpoch);
      if (now[0]?.lease_epoch !== before[0]?.lease_epoch) return;
    }
  }

  /** Waits until nothing is on its way, and compares all with the model. */
  async rest(): Promise<void> {
    await this.letTimePass(waitsWithFaults);
    this.system.router.clearFaults();
    const begun = performance.now();
    while (!(await this.#isQuiet())) {
      if (performance.now() - begun > restWithinMs)
        throw new Error(`it does not come to rest: ${await this.#whatIsLeft()}`);
      await this.letTimePass(20);
    }
    if (this.meddled) await this.#undoMeddling();
    await this.#grant();
    await judge(this);
  }

  /** What people changed of Berth's is undone by policy, unless they did it again and again: then somebody must say so. */
  async #undoMeddling(): Promise<void> {
    const message = { principal: operator, router: 'default', repair: true, waitMs: restWithinMs };
    let done = false;
    const checked = request(this.system.bus, DriftService.method.checkDrift, message, {
      timeoutMs: restWithinMs + 1_000,
    });
    const passing = checked.finally(() => {
      done = true;
    });
    while (!done || !(await this.#isQuiet())) await this.letTimePass(5);
    await passing;
    this.meddled = false;
  }

  async #isQuiet(): Promise<boolean> {
    const [row] = await this.system.database.query<{ quiet: boolean }>(
      `SELECT state = 'ok' AND applied_count = saved_count
         AND NOT EXISTS (SELECT FROM allocator.operations WHERE state IN ('pending', 'running'))
         AND NOT EXISTS (SELECT FROM vyos_driver.resources WHERE waiting)
         AND NOT EXISTS (SELECT FROM vyos_driver.batches WHERE state = 'sending')
         AND (SELECT inventory_loaded FROM allocator.routers) = inventory AS quiet
       FROM vyos_driver.routers`,
    );
    return row?.quiet === true;
  }

  async #whatIsLeft(): Promise<string> {
    const { database } = this.system;
    const router = await database.query(
      'SELECT state, reason, applied_count, saved_count, lease_epoch FROM vyos_driver.routers',
    );
    const open = await database.query(
      `SELECT id, kind, state FROM allocator.operations WHERE state IN ('pending', 'running')`,
    );
    const waiting = await database.query(
      'SELECT resource_id, wanted_number, settled_number FROM vyos_driver.resources WHERE waiting',
    );
    return JSON.stringify({ router, open, waiting });
  }

  /** What of the wishes came true, in the order in which they were accepted. */
  async #grant(): Promise<void> {
    const ids = this.wishes.map(({ operationId }) => operationId);
    const rows = await this.system.database.query<{ id: string; state: string; error: { code?: string } | null }>(
      'SELECT id::text, state, error FROM allocator.operations WHERE id = ANY($1)',
      [ids],
    );
    const ended = new Map(rows.map((row) => [row.id, row]));
    const vms = new Map(this.#settled);
    for (const { vmId, operationId, wish } of this.wishes) {
      const { state, error } = ended.get(operationId) ?? {};
      if (state === undefined) throw new Error(`the operation ${operationId} was accepted and is lost`);
      if (error?.code === 'INTERNAL')
        throw new Error(`the operation ${operationId} failed for a reason that nobody foresaw`);
      this.totals[state === 'succeeded' ? 'succeeded' : 'failed'] += 1;
      if (state !== 'succeeded') this.reasons[error?.code ?? state] = (this.reasons[error?.code ?? state] ?? 0) + 1;
      if (state !== 'succeeded') continue;
      const after = granted(vms.get(vmId), wish);
      if (after === undefined) vms.delete(vmId);
      else vms.set(vmId, after);
    }
    this.wishes = [];
    this.#settled = vms;
    this.expected.clear();
    for (const [id, vm] of vms) this.expected.set(id, vm);
  }
}

/** A replica renews its lease every 300 ms. */
const noticedWithinMs = 400;
