import type { Logger } from '@berth/service-kit';
import { type RunningDriver, readConfig, startDriver } from '@berth/vyos-driver';
import { Registry } from 'prom-client';
import type { VirtualClock } from './virtual-clock.ts';

interface ReplicaOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly log: Logger;
  readonly clock: VirtualClock;
}

/** What is not waited for by the worker's clock is real, and short, since the router and the database are beside us. */
const realTimes = {
  BERTH_DRIVER_LEASE_TTL_MS: '1500',
  BERTH_DRIVER_LEASE_MARGIN_MS: '300',
  BERTH_DRIVER_WRITE_TIMEOUT_MS: '2000',
  BERTH_DRIVER_READ_TIMEOUT_MS: '4000',
  BERTH_DRIVER_PROBE_TIMEOUT_MS: '2000',
  BERTH_DRIVER_STOP_GRACE_MS: '500',
  BERTH_DRIVER_BREAKER_RESET_MS: '20',
  BERTH_DRIVER_START_LOOK_MS: '0',
};

/** A driver that can stop where a process would have been killed or paused: between the write-ahead row and the request. */
export class DriverReplica {
  readonly #driver: RunningDriver;
  readonly #gate: { readonly wait: () => Promise<void>; shut(): void; open(): void };

  private constructor(driver: RunningDriver, gate: ReturnType<typeof openGate>) {
    this.#driver = driver;
    this.#gate = gate;
  }

  static async start({ env, log, clock }: ReplicaOptions): Promise<DriverReplica> {
    const gate = openGate();
    const config = readConfig({ ...env, ...realTimes });
    const context = { log, metrics: new Registry(), clock, beforeSend: () => gate.wait() };
    return new DriverReplica(await startDriver(config, context), gate);
  }

  /** Nothing leaves it any more. */
  pause(): void {
    this.#gate.shut();
  }

  /** What it was about to send is sent, unless its fence is closed. */
  resume(): void {
    this.#gate.open();
  }

  /** Ends it where it stands: what it was about to send is never sent. */
  async abandon(): Promise<void> {
    this.#gate.shut();
    await this.#driver.stop();
  }

  async stop(): Promise<void> {
    this.#gate.open();
    await this.#driver.stop();
  }
}

function openGate() {
  let shut: PromiseWithResolvers<void> | undefined;
  return {
    wait: async () => shut?.promise,
    shut() {
      shut ??= Promise.withResolvers();
    },
    open() {
      shut?.resolve();
      shut = undefined;
    },
  };
}
