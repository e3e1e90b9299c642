import { randomUUID } from 'node:crypto';
import { DomainError } from '@berth/errors';
import { fairShare } from '../../domain/routers/fair-share.ts';
import { Bell } from '../bell.ts';
import type { DriverMetrics } from '../driver-metrics.ts';
import type { DriverTimes } from '../driver-times.ts';
import type { Log } from '../ports.ts';
import { forPeople } from '../router-trouble.ts';
import type { KeyVault } from './key-vault.ts';
import type { RegisteredRouter, RouterRegistry } from './router-registry.ts';
import type { RouterWorker, WorkerParts } from './router-worker.ts';

/** A worker of one router with what it works with. */
export interface ManagedWorker {
  readonly worker: RouterWorker;
  /** Cuts the connection; after the worker's stop. */
  close(): Promise<void>;
}

/** What the fleet knows of a router's way of being worked, beyond its row. */
export type FromFleet = Pick<WorkerParts, 'inTurn' | 'onProfileProblem'>;

export interface FleetDeps {
  readonly registry: RouterRegistry;
  readonly vault: KeyVault;
  /** The router of the environment, whose key is there. */
  readonly ownRouter: string;
  /** `key` is undefined for the router of the environment. */
  readonly workerOf: (router: RegisteredRouter, key: string | undefined, fleet: FromFleet) => ManagedWorker;
  /** The place of the environment's router cannot be told: the settings have to be mended. */
  readonly onOwnProblem: (problem: DomainError) => void;
  readonly times: DriverTimes;
  readonly metrics: DriverMetrics;
  readonly log: Log;
}

interface Slot extends ManagedWorker {
  readonly connection: bigint;
}

/**
 * The routers that this process works, or would. One worker for each router that is switched on, in every process; the lease decides whose works.
 * Each process takes its fair share, and what nobody else takes. Routers that are added, changed or removed anywhere are seen when another
 * replica tells of it, and at the latest with the next sweep.
 */
export class RouterFleet {
  readonly #deps: FleetDeps;
  readonly #replica = randomUUID();
  readonly #slots = new Map<string, Slot>();
  /** Routers whose worker is on its way out. */
  readonly #leaving = new Map<string, { readonly slot: Slot; readonly ended: Promise<void> }>();
  /** Routers that cannot be worked as they are: of which connection, and until when they rest. */
  readonly #resting = new Map<string, { readonly connection: bigint; readonly until: number }>();
  readonly #bell = new Bell();
  readonly #stopping = new AbortController();
  #share = 1;
  #composition = '';
  #taking: Promise<unknown> = Promise.resolve();
  #running: Promise<void> | undefined;

  constructor(deps: FleetDeps) {
    this.#deps = deps;
  }

  /** Seals again what is sealed with an older master key, and begins to work. */
  async start(): Promise<void> {
    await this.#resealAll();
    await this.#sweep();
    this.#running ??= this.#run();
  }

  /** Changes wait for this router: look for them now. */
  wake(router: string): void {
    this.#slots.get(router)?.worker.wake();
  }

  /** The registry changed: look now. */
  look(): void {
    this.#bell.ring();
  }

  /** See RouterWorker; of a router that has no worker here at once. */
  async looked(router: string): Promise<void> {
    await this.#slots.get(router)?.worker.looked();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#bell.ring();
    await this.#running;
    const slots = [...this.#slots.values(), ...[...this.#leaving.values()].map(({ slot }) => slot)];
    await Promise.all(slots.map((slot) => slot.worker.stop().then(() => slot.close())));
    await Promise.all([...this.#leaving.values()].map(({ ended }) => ended));
    await this.#deps.registry
      .leave(this.#replica)
      .catch((error) => this.#deps.log.warn({ err: error }, 'replica could not be signed off'));
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await this.#bell.sleep(this.#deps.times.sweepMs, this.#stopping.signal);
      if (this.#stopping.signal.aborted) return;
      await this.#sweep().catch((error) => this.#deps.log.warn({ err: error }, 'routers could not be looked up'));
    }
  }

  /** Brings the workers in step with the registry. */
  async #sweep(): Promise<void> {
    const { registry, times } = this.#deps;
    const aliveMs = Math.max(times.leaseTtlMs, 3 * times.sweepMs);
    const { routers, replicas } = await registry.beat(this.#replica, aliveMs);
    if (this.#stopping.signal.aborted) return;
    const wanted = new Map(routers.filter(({ enabled }) => enabled).map((router) => [router.name, router]));
    this.#share = fairShare(wanted.size, replicas);
    for (const [name, slot] of this.#slots) {
      const router = wanted.get(name);
      // The router of the environment is reached as the environment says, whatever another replica registered.
      const same = router !== undefined && (this.#isOwn(router) || router.connection === slot.connection);
      if (!same) this.#end(name);
    }
    for (const { name, enabled } of routers) if (!enabled) this.#deps.metrics.state(name, 'disabled');
    for (const router of wanted.values()) await this.#beginOrTell(router);
    for (const { name, borrowed } of routers) if (borrowed) this.#slots.get(name)?.worker.giveAway();
    this.#shareOut(wanted.size, replicas);
  }

  /** When routers or replicas have become more or fewer, whoever has more than his share gives the rest away. */
  #shareOut(routers: number, replicas: number): void {
    const composition = `${routers} ${replicas}`;
    if (composition === this.#composition) return;
    this.#composition = composition;
    const held = [...this.#slots.values()].filter(({ worker }) => worker.isHolding);
    for (const { worker } of held.slice(this.#share)) worker.giveAway();
  }

  /** Whatever is wrong with one router keeps nobody from working the others; the own one's settings were checked at the start. */
  async #beginOrTell(router: RegisteredRouter): Promise<void> {
    try {
      await this.#begin(router);
    } catch (error) {
      if (this.#isOwn(router)) throw error;
      this.#rest(router);
      this.#deps.log.error({ router: router.name, err: error }, 'router cannot be worked');
      const reason = `It cannot be worked with its settings: ${error instanceof Error ? error.message : String(error)}.`;
      await this.#deps.registry.tellTrouble(router.name, reason);
    }
  }

  async #begin(router: RegisteredRouter): Promise<void> {
    const { name, connection } = router;
    if (this.#slots.has(name) || this.#leaving.has(name) || this.#isResting(router)) return;
    const key = await this.#keyOf(router);
    if (key === undefined && !this.#isOwn(router)) return;
    const slot: Slot = {
      connection,
      ...this.#deps.workerOf(router, key, {
        inTurn: (take) => this.#inTurn(take),
        onProfileProblem: (problem) => this.#onProblem(router, problem),
      }),
    };
    this.#slots.set(name, slot);
    slot.worker.looked().catch(() => {}); // told by onProfileProblem
    slot.worker.start();
  }

  /** Undefined when it is not here, or cannot be read, which is told then. */
  async #keyOf(router: RegisteredRouter): Promise<string | undefined> {
    if (this.#isOwn(router)) return undefined;
    const { registry, vault, log } = this.#deps;
    try {
      if (router.sealedKey === undefined) return undefined; // of another replica's environment
      return vault.open(router.sealedKey, router.name, router.terms.keyId);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      this.#rest(router);
      log.error({ router: router.name, reason: error.message }, 'router cannot be worked');
      await registry.tellTrouble(router.name, error.message);
      return undefined;
    }
  }

  #onProblem(router: RegisteredRouter, problem: DomainError): void {
    const { registry, log, onOwnProblem } = this.#deps;
    if (this.#isOwn(router)) {
      onOwnProblem(problem);
      return;
    }
    const reason = forPeople(problem.message);
    log.error({ router: router.name, reason }, 'router cannot be worked');
    this.#rest(router);
    this.#end(router.name);
    void registry
      .tellTrouble(router.name, reason)
      .catch((error) => log.warn({ router: router.name, err: error }, 'trouble of router could not be told'));
  }

  #rest({ name, connection }: RegisteredRouter): void {
    this.#resting.set(name, { connection, until: performance.now() + this.#deps.times.troubleMostMs });
  }

  #isResting({ name, connection }: RegisteredRouter): boolean {
    const rest = this.#resting.get(name);
    return rest !== undefined && rest.connection === connection && rest.until > performance.now();
  }

  /** Ends the router's worker once its request in flight has; another may begin afterwards. */
  #end(name: string): void {
    const slot = this.#slots.get(name);
    if (slot === undefined) return;
    this.#slots.delete(name);
    const ended = slot.worker
      .end()
      .then(() => slot.close())
      .catch((error) => this.#deps.log.warn({ router: name, err: error }, 'router worker did not end well'))
      .finally(() => {
        this.#leaving.delete(name);
        this.#bell.ring();
      });
    this.#leaving.set(name, { slot, ended });
  }

  #inTurn<T>(take: (patienceMs: number) => Promise<T>): Promise<T> {
    const taken = this.#taking.then(() => take(this.#patienceMs()));
    this.#taking = taken.catch(() => {});
    return taken;
  }

  #patienceMs(): number {
    const held = [...this.#slots.values()].filter(({ worker }) => worker.isHolding).length;
    return held < this.#share ? 0 : this.#deps.times.leaseTtlMs;
  }

  #isOwn({ name, fromSettings }: RegisteredRouter): boolean {
    return fromSettings && name === this.#deps.ownRouter;
  }

  async #resealAll(): Promise<void> {
    const { registry, vault, log } = this.#deps;
    if (vault.writesWith === undefined) return;
    for (const { name, sealedKey, terms } of await registry.all()) {
      if (sealedKey === undefined || sealedKey.masterKeyId === vault.writesWith) continue;
      try {
        const key = vault.open(sealedKey, name, terms.keyId);
        await registry.reseal(name, sealedKey, vault.seal(key, name, terms.keyId), vault.fingerprint(key));
        log.info({ router: name, masterKey: vault.writesWith }, 'router key encrypted again');
      } catch (error) {
        if (!(error instanceof DomainError)) throw error; // told when its worker cannot begin
      }
    }
  }
}
