import { DomainError } from '@berth/errors';
import { again, failed, finished, type Saga, type StepOutcome } from '@berth/saga';
import { changeForwards, type ForwardsChange } from '../../domain/forwards/change-forwards.ts';
import { editForwards } from '../../domain/forwards/edit-forwards.ts';
import type { Forward } from '../../domain/forwards/forward.ts';
import type { Operation } from '../../domain/operations/operation.ts';
import { assertAvailable } from '../../domain/routers/router.ts';
import type { TakenValue } from '../../domain/values/choose-values.ts';
import {
  demandsFor,
  type Holding,
  holdingsOf,
  renamedHoldings,
  toHoldings,
  withoutHoldings,
  withTaken,
} from '../../domain/values/holdings.ts';
import { sourcesOf } from '../../domain/vms/place-vm.ts';
import { settledOf, type Vm } from '../../domain/vms/vm.ts';
import { latest, mayHaveStood, vmOf } from '../operation-progress.ts';
import { type Books, type GivenUp, holderOf } from '../ports.ts';
import { changeRouter } from '../routers/change-router.ts';

/** What one operation makes of its VM's forwards, before what is new of them is chosen. */
interface Planned {
  readonly operation: Operation;
  readonly vm: Vm;
  readonly change: ForwardsChange;
}

/** What the operations of a round have made of a VM so far. */
interface OnTheWay {
  readonly forwards: readonly Forward[];
  /** What they hold beside what the settled forwards hold. */
  readonly reserved: readonly Holding[];
}

/**
 * Works through the operations of several VMs, the first of each VM at once, then the second of each, and so on: each sees what the ones
 * before it will have made. One that cannot go along with those before it is put off (`again`), with all behind it, until they are settled.
 */
class Round {
  readonly outcomes = new Map<string, StepOutcome>();
  readonly #books: Books;
  /** VMs whose first operation goes along. */
  readonly #onTheWay = new Map<string, OnTheWay>();
  readonly #closed = new Set<string>();

  constructor(books: Books) {
    this.#books = books;
  }

  async take(operations: readonly Operation[]): Promise<void> {
    await this.#reserve(operations.flatMap((operation) => this.#plan(operation) ?? []));
  }

  #plan(operation: Operation): Planned | undefined {
    const vm = vmOf(this.#books, operation);
    if (operation.wanted !== null) {
      this.#goesAlong(vm, operation.wanted.forwards, operation.reserved); // a repeat: holds its values already
      return undefined;
    }
    if (this.#closed.has(vm.id)) return void this.outcomes.set(operation.id, again);
    const before = this.#onTheWay.get(vm.id);
    try {
      const change = this.#changeOf(operation, vm, before?.forwards ?? vm.forwards);
      if (!change.changed && before === undefined) return void this.outcomes.set(operation.id, finished);
      // Made again before its removal is settled, a forward would get another port than the one that is to be had then.
      const inHand = this.#inHand(vm);
      const holds = (name: string) => inHand.some(({ kind, slot }) => kind !== 'rule' && slot === name);
      if (before && change.created.some(holds)) return this.#putOff(operation);
      const router = this.#books.routers.get(vm.router);
      if (operation.impatient && router) assertAvailable(router, false);
      return { operation, vm, change };
    } catch (error) {
      this.#refuse(operation, error);
      return undefined;
    }
  }

  #changeOf({ id, edit, portAction, portNames }: Operation, vm: Vm, forwards: readonly Forward[]): ForwardsChange {
    const { template } = this.#books;
    if (edit) return editForwards(forwards, edit, { template: template.forwards, block: vm.rules });
    if (portAction === null) throw new Error(`operation ${id} says not what to do`);
    return changeForwards(forwards, template.forwards, portAction, portNames);
  }

  async #reserve(planned: readonly Planned[]): Promise<void> {
    const demanding = planned.flatMap((one) => {
      const { vm, change } = one;
      const demands = demandsFor(change.forwards, this.#inHand(vm), vm.portRange ?? undefined);
      return demands.ports.length + demands.rules.length > 0 ? [{ ...one, demands }] : [];
    });
    const pools = demanding.length > 0 ? await this.#books.pools() : undefined;
    const chosen = await this.#books.values.reserve(
      demanding.flatMap(({ vm, demands }) =>
        pools
          ? [{ holder: holderOf(vm), demand: { address: undefined, ...demands }, sources: sourcesOf(vm, pools) }]
          : [],
      ),
    );
    const results = new Map(demanding.map(({ operation }, index) => [operation.id, chosen[index]]));
    for (const one of planned) {
      const result = results.get(one.operation.id);
      if (result instanceof DomainError) this.#refuse(one.operation, result);
      else this.#accept(one, result?.taken ?? []);
    }
  }

  #accept({ operation, vm, change }: Planned, taken: readonly TakenValue[]): void {
    const forwards = withTaken(change.forwards, taken);
    const reserved = toHoldings(taken);
    this.#goesAlong(vm, forwards, reserved);
    this.#books.operations.put({ ...operation, wanted: { ...settledOf(vm), forwards }, reserved });
  }

  /** All that the VM holds for its forwards now. */
  #inHand(vm: Vm): readonly Holding[] {
    return [...holdingsOf(vm.forwards), ...(this.#onTheWay.get(vm.id)?.reserved ?? [])];
  }

  #goesAlong({ id }: Vm, forwards: readonly Forward[], reserved: readonly Holding[]): void {
    this.#onTheWay.set(id, { forwards, reserved: [...(this.#onTheWay.get(id)?.reserved ?? []), ...reserved] });
  }

  /** Fails it, unless that may be because of those that it goes along with: then it is for later to say. */
  #refuse(operation: Operation, error: unknown): void {
    if (!(error instanceof DomainError)) throw error;
    if (this.#onTheWay.has(operation.vmId)) this.#putOff(operation);
    else this.outcomes.set(operation.id, failed(error));
  }

  #putOff(operation: Operation): undefined {
    this.#closed.add(operation.vmId);
    this.outcomes.set(operation.id, again);
  }
}

/** Makes what the router holds now the VM's settled state, and says what is to be done about the values it held before. */
export function settleForwards(books: Books, vm: Vm, operations: readonly Operation[]) {
  const before = holdingsOf(vm.forwards);
  const reserved = operations.flatMap((operation) => operation.reserved);
  const wanted = vm.wanted ?? settledOf(vm);
  const after = holdingsOf(wanted.forwards);
  books.vms.put({ ...vm, ...wanted, wanted: null, unsettled: false, updatedAt: books.now });
  const given = (holdings: readonly Holding[]): GivenUp => ({
    router: vm.router,
    externalIp: vm.site.externalIp,
    holder: holderOf(vm),
    holdings,
  });
  return {
    stood: given(withoutHoldings(before, after)),
    // Taken by one of these operations and not needed after a later one: the router was never asked for it.
    neverStood: given(withoutHoldings(reserved, [...after, ...before])),
    renamed: given(renamedHoldings(after, [...before, ...reserved])),
  };
}

/** Forwards of VMs are made, changed or removed, by name and action or as described: those of one VM in one revision. */
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
            .map((operation) => {
              const vm = vmOf(books, operation);
              return {
                router: vm.router,
                externalIp: vm.site.externalIp,
                holder: holderOf(vm),
                holdings: operation.reserved,
              };
            });
          await books.values.release(given, how);
        }
      },
    },
    changeRouter,
    {
      name: 'settle-forwards',
      async run(instances, books) {
        const settled = [...Map.groupBy(latest(books, instances), ({ vmId }) => vmId).values()].flatMap(
          (operations) => {
            const vm = operations[0] && vmOf(books, operations[0]);
            return vm?.unsettled ? [settleForwards(books, vm, operations)] : [];
          },
        );
        await books.values.release(
          settled.map(({ stood }) => stood),
          'quarantine',
        );
        await books.values.release(
          settled.map(({ neverStood }) => neverStood),
          'free',
        );
        await books.values.rename(settled.map(({ renamed }) => renamed));
        return new Map();
      },
      // No undo: the router holds it; this only says so.
    },
  ],
};
