import { nodeToJson, toPlain } from './domain/config-json.ts';
import { type Branch, cloneBranch } from './domain/config-tree.ts';
import type { Fault } from './domain/faults.ts';
import { Latency, type LatencySettings } from './domain/latency.ts';
import { ApiServer } from './http/api-server.ts';
import type { Certificate } from './http/certificate.ts';
import { FrontServer } from './http/front-server.ts';
import { type LoggedRequest, RequestLog } from './http/request-log.ts';
import { migrated, refuseDowngrade } from './profile/migrate.ts';
import { type Profile, type ProfileName, profileNamed } from './profile/profile.ts';
import type { Clock } from './router/clock.ts';
import type { Counters } from './router/counters.ts';
import { actAsPerson, type PersonEdit } from './router/person.ts';
import { RouterState } from './router/router-state.ts';

/** Where a router listens, by which clock it lives, and what a new device in its place would run. */
export type Place = { readonly port: number; readonly clock: Clock; readonly factory: Branch };

export type RebootOptions = {
  readonly downMs: number;
  /** The version it comes back as; absent: the same. */
  readonly profile?: ProfileName;
};

/** One router with its HTTPS port. What tests and the control interface do to it goes through here. */
export class SimulatedRouter {
  readonly #clock: Clock;
  readonly #router: RouterState;
  readonly #log: RequestLog;
  readonly #front: FrontServer;
  /** What a new device of this kind has. */
  readonly #factory: { readonly profile: ProfileName; readonly config: Branch };
  #isStopped = false;

  constructor(profile: Profile, config: Branch, certificate: Certificate, { port, clock, factory }: Place) {
    this.#clock = clock;
    this.#factory = { profile: profile.name, config: cloneBranch(factory) };
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

  get profile(): ProfileName {
    return this.#router.profile.name;
  }

  /**
   * Nothing listens for `downMs` milliseconds, connections are cut, writes in flight never commit; running = saved. With a
   * newer `profile` the saved configuration is migrated first: an upgrade. Throws NoWayBack, at once, for an older one.
   */
  async reboot({ downMs, profile }: RebootOptions): Promise<void> {
    const router = this.#router;
    if (profile !== undefined) refuseDowngrade(router.profile.name, profile);
    await this.#restart(downMs, async () => {
      if (profile === undefined || profile === router.profile.name) router.store.reloadSaved();
      else await this.#startOn(migrated(router.store.saved, router.profile.name, profile), profile);
    });
  }

  /** Another device of the same version takes this one's place: it runs and has saved what this one started with, and has no files. */
  async replace({ downMs }: { readonly downMs: number }): Promise<void> {
    const router = this.#router;
    const { name } = router.profile;
    await this.#restart(downMs, async () => {
      router.files.clear();
      await this.#startOn(migrated(this.#factory.config, this.#factory.profile, name), name);
    });
  }

  async #startOn(config: Branch, profile: ProfileName): Promise<void> {
    this.#router.startOn(profileNamed(profile), config);
    await this.#router.onSave();
  }

  async #restart(downMs: number, boot: () => Promise<void>): Promise<void> {
    const router = this.#router;
    router.boot += 1;
    router.pendingConfirm = undefined;
    router.operations.end();
    const current = router.boot;
    await this.#front.close();
    await boot();
    router.faults.remove('session_lost');
    router.sessionIsLost = false;
    router.isFrozen = false;
    router.restartApi(0);
    router.lockedUntil = 0;
    router.refusedNodes = { until: 0, paths: new Set() };
    router.counters.reboots += 1;
    await router.clock.sleep(downMs);
    if (!this.#isStopped && router.boot === current) await this.#front.open();
  }
}
