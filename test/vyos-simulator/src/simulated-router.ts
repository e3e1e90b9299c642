import { nodeToJson, toPlain } from './domain/config-json.ts';
import type { Branch } from './domain/config-tree.ts';
import type { Fault } from './domain/faults.ts';
import { Latency, type LatencySettings } from './domain/latency.ts';
import { ApiServer } from './http/api-server.ts';
import type { Certificate } from './http/certificate.ts';
import { FrontServer } from './http/front-server.ts';
import { type LoggedRequest, RequestLog } from './http/request-log.ts';
import type { Profile } from './profile/profile.ts';
import type { Clock } from './router/clock.ts';
import type { Counters } from './router/counters.ts';
import { actAsPerson, type PersonEdit } from './router/person.ts';
import { RouterState } from './router/router-state.ts';

/** Where a router listens, and by which clock it lives. */
export type Place = { readonly port: number; readonly clock: Clock };

/** One router with its HTTPS port. What tests and the control interface do to it goes through here. */
export class SimulatedRouter {
  readonly #clock: Clock;
  readonly #router: RouterState;
  readonly #log: RequestLog;
  readonly #front: FrontServer;
  #isStopped = false;

  constructor(profile: Profile, config: Branch, certificate: Certificate, { port, clock }: Place) {
    this.#clock = clock;
    this.#router = new RouterState(profile, this.#clock, config);
    this.#router.onRestart = (downMs) => void this.reboot({ downMs });
    this.#log = new RequestLog(this.#router);
    const api = new ApiServer(this.#router, this.#log);
    this.#front = new FrontServer(port, certificate, api.handle, api.redirectToHttps);
  }

  get url(): string {
    return `https://127.0.0.1:${this.#front.port}`;
  }

  open(): Promise<void> {
    return this.#front.open();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#router.boot += 1;
    this.#router.pendingConfirm = undefined;
    this.#clock.stop();
    await this.#front.close();
  }

  /** Called after each save, before the save is answered. */
  onSave(keep: () => Promise<void>): void {
    this.#router.onSave = keep;
  }

  config(tree: 'running' | 'saved' = 'running'): unknown {
    return toPlain(nodeToJson(tree === 'saved' ? this.#router.store.saved : this.#router.store.running));
  }

  counters(): Counters {
    return { ...this.#router.counters, pending_confirm: this.#router.pendingConfirm !== undefined };
  }

  log(): readonly LoggedRequest[] {
    return this.#log.entries;
  }

  setLatency(settings: LatencySettings): void {
    this.#router.latency = new Latency(settings);
  }

  addFault(fault: Fault): void {
    this.#router.faults.add(fault);
  }

  clearFaults(): void {
    this.#router.faults.clear();
    this.#router.sessionIsLost = false;
    this.#router.isFrozen = false;
    for (const end of this.#router.hanging) end();
  }

  person(edit: PersonEdit): Promise<void> {
    return actAsPerson(this.#router, edit);
  }

  /** Nothing listens for `downMs` real milliseconds, connections are cut, writes in flight never commit; running = saved. */
  async reboot({ downMs }: { readonly downMs: number }): Promise<void> {
    const router = this.#router;
    router.boot += 1;
    router.pendingConfirm = undefined;
    const { boot } = router;
    await this.#front.close();
    router.store.reloadSaved();
    router.faults.remove('session_lost');
    router.sessionIsLost = false;
    router.isFrozen = false;
    router.awayUntil = 0;
    router.lockedUntil = 0;
    router.refusedNodes = { until: 0, paths: new Set() };
    router.counters.reboots += 1;
    await router.clock.sleep(downMs);
    if (!this.#isStopped && router.boot === boot) await this.#front.open();
  }
}
