import { DomainError } from '@berth/errors';
import { again, failed, finished, type Saga, type StepOutcome } from '@berth/saga';
import { changeForwards, type ForwardsChange } from '../domain/change-forwards.ts';
import type { Forward } from '../domain/forward.ts';
import type { Operation } from '../domain/operation.ts';
import { sourcesOf } from '../domain/place-vm.ts';
import { assertAvailable } from '../domain/router.ts';
import type { Vm } from '../domain/vm.ts';
import { changeRouter } from './change-router.ts';
import { latest, mayHaveStood, vmOf } from './operation-progress.ts';
import type { Books, ValueStore } from './ports.ts';
import { holderOf } from './provision-vm.ts';

const stands = (forwards: readonly Forward[], name: string): boolean =>
  forwards.some((forward) => forward.name === name && forward.state !== 'absent');

type Released = Parameters<ValueStore['release']>[0][number];

/** What one operation makes of its VM's forwards, before the ports of new ones are known. */
interface Planned {
  readonly operation: Operation;
  readonly vm: Vm;
  readonly change: ForwardsChange;
}

/**
 * Works through the operations of several VMs, the first of each VM at once, then the second of each, and so on: each sees what the ones
 * before it will have made. One that cannot go along with those before it is put off (`again`), with all behind it, until they are settled.
 */
class Round {
  readonly outcomes = new Map<string, StepOutcome>();
  readonly #books: Books;
  /** The forwards of VMs whose first operation goes along. */
  readonly #wanted = new Map<string, readonly Forward[]>();
  /** The forwards for which an operation of this round holds a port, by VM. */
  readonly #reserved = new Map<string, readonly string[]>();
  readonly #closed = new Set<string>();

  constructor(books: Books) {
    this.#books = books;
  }

  async take(operations: readonly Operation[]): Promise<void> {
    const planned = operations.flatMap((operation) => this.#plan(operation) ?? []);
    await this.#reserve(planned);
  }

  #plan(operation: Operation): Planned | undefined {
    const vm = vmOf(this.#books, operation);
    if (operation.wanted !== null) {
      this.#goesAlong(vm, operation.wanted, operation.reserved); // a repeat: holds its ports already
      return undefined;
    }
    if (this.#closed.has(vm.id)) return void this.outcomes.set(operation.id, again);
    const before = this.#wanted.get(vm.id);
    try {
      if (operation.portAction === null) throw new Error(`operation ${operation.id} says not what to do`);
      const { portAction, portNames } = operation;
      const change = changeForwards(before ?? vm.forwards, vm.rules, portAction, portNames);
      if (!change.changed && before === undefined) return void this.outcomes.set(operation.id, finished);
      // Made again before its removal is settled, a forward would hold two ports under one name.
      const holdsPort = (name: string) => stands(vm.forwards, name) || this.#reserved.get(vm.id)?.includes(name);
      if (before && change.created.some(({ name }) => holdsPort(name))) return this.#putOff(operation);
      const router = this.#books.routers.get(vm.router);
      if (operation.impatient && router) assertAvailable(router, false);
      return { operation, vm, change };
    } catch (error) {
      this.#refuse(operation, error);
      return undefined;
    }
  }

  async #reserve(group: readonly Planned[]): Promise<void> {
    const asking = group.filter(({ change }) => change.created.length > 0);
    const pools = await this.#books.pools();
    const chosen = await this.#books.values.reserve(
      asking.map(({ operation, vm, change }) => ({
        holder: holderOf(operation),
        demand: {
          address: undefined,
          rules: [],
          ports: change.created.map((forward) => ({
            slot: forward.name,
            protocol: forward.protocol,
            count: 1,
            exact: forward.fixedPort,
            within: vm.portRange ?? undefined,
          })),
        },
        sources: sourcesOf(vm, pools),
      })),
    );
    for (const planned of group) {
      const result = chosen[asking.indexOf(planned)];
      if (result instanceof DomainError) this.#refuse(planned.operation, result);
      else this.#accept(planned, result?.ports ?? new Map());
    }
  }

  #accept({ operation, vm, change }: Planned, ports: ReadonlyMap<string, number>): void {
    const wanted = change.forwards.map((forward) => {
      const externalPort = ports.get(forward.name);
      return externalPort === undefined ? forward : { ...forward, externalPort };
    });
    const reserved = [...ports.keys()];
    this.#goesAlong(vm, wanted, reserved);
    this.#books.operations.put({ ...operation, wanted, reserved });
  }

  #goesAlong({ id }: Vm, wanted: readonly Forward[], reserved: readonly string[]): void {
    this.#wanted.set(id, wanted);
    this.#reserved.set(id, [...(this.#reserved.get(id) ?? []), ...reserved]);
  }

  /** Fails it, unless that may be because of those that it goes along with: then it is for later to say. */
  #refuse(operation: Operation, error: unknown): void {
    if (!(error instanceof DomainError)) throw error;
    if (this.#wanted.has(operation.vmId)) this.#putOff(operation);
    else this.outcomes.set(operation.id, failed(error));
  }

  #putOff(operation: Operation): undefined {
    this.#closed.add(operation.vmId);
    this.outcomes.set(operation.id, again);
  }
}

/** Forwards of VMs are made, removed, enabled or disabled: those of one VM in one revision. */
export const changePorts: Saga<Operation, Books> = {
  name: 'change-ports',
  pivot: changeRouter.name,
  steps: [
    {
      name: 'reserve-ports',
      async run(instances, books) {
        const round = new Round(books);
        const ofVms = [...Map.groupBy(latest(books, instances), ({ vmId }) => vmId).values()];
        const most = Math.max(0, ...ofVms.map((operations) => operations.length));
        for (let place = 0; place < most; place++)
          await round.take(ofVms.flatMap((operations) => operations[place] ?? []));
        return round.outcomes;
      },
      async undo(instances, books) {
        for (const how of ['quarantine', 'free'] as const) {
          const given = latest(books, instances)
            .filter(({ reserved }) => reserved.length > 0)
            .filter((operation) => mayHaveStood(operation) === (how === 'quarantine'))
            .map((operation) => ({ router: operation.router, holder: holderOf(operation), slots: operation.reserved }));
          await books.values.release(given, how);
        }
      },
    },
    changeRouter,
    {
      name: 'settle-forwards',
      async run(instances, books) {
        const stood: Released[] = [];
        const neverStood: Released[] = [];
        for (const operations of Map.groupBy(latest(books, instances), ({ vmId }) => vmId).values()) {
          const [first] = operations;
          if (first === undefined) continue;
          const vm = vmOf(books, first);
          if (!vm.unsettled) continue;
          const forwards = vm.wanted ?? vm.forwards;
          books.vms.put({ ...vm, forwards, wanted: null, unsettled: false, updatedAt: books.now });
          const held = new Set([
            ...vm.forwards.map(({ name }) => name),
            ...operations.flatMap(({ reserved }) => reserved),
          ]);
          const gone = [...held].filter((name) => !stands(forwards, name));
          const given = (slots: readonly string[]) => ({ router: vm.router, holder: holderOf(first), slots });
          stood.push(given(gone.filter((name) => stands(vm.forwards, name))));
          // Made by one of these operations and removed by a later one: the router was never asked for it.
          neverStood.push(given(gone.filter((name) => !stands(vm.forwards, name))));
        }
        await books.values.release(stood, 'quarantine');
        await books.values.release(neverStood, 'free');
        return new Map();
      },
      // No undo: the router holds it; this only says so.
    },
  ],
};
