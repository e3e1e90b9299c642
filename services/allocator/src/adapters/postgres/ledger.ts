import { type Database, type Sql, sqlStateOf } from '@berth/database';
import type { Outbox, OutgoingMessage } from '@berth/messaging';
import type { PlanBook, Trial } from '../../app/plans/plan-ports.ts';
import type { Books, ClaimStore, Ledger, ValueStore } from '../../app/ports.ts';
import { type Bulk, beginsUndo, hasEndedBulk } from '../../domain/bulk/bulk.ts';
import type { ForwardTemplate } from '../../domain/forwards/forward-template.ts';
import type { Operation } from '../../domain/operations/operation.ts';
import { plannedChange, plannedVm } from '../../domain/plans/plan.ts';
import { isUuid } from '../../domain/text-rules.ts';
import { desiredOf, type Vm, type Wanted } from '../../domain/vms/vm.ts';
import { PostgresBulkBook } from './bulk/bulk-book.ts';
import { PostgresOperationBook } from './operations/operation-book.ts';
import { duePlans, endDuePlans, heldBy, takingsOf } from './plans/plan-holds.ts';
import { postgresPlans } from './plans/plan-rows.ts';
import { readPoolDirectory, routersOfPools } from './pools/read-pool-directory.ts';
import { lockRouters } from './router-rows.ts';
import { postgresClaims } from './values/claim-store.ts';
import { deriveForeign } from './values/foreign-store.ts';
import { SpaceCatalogue } from './values/space-catalogue.ts';
import { repairingSpans, SpansOutOfStep } from './values/spans-out-of-step.ts';
import { postgresValues } from './values/value-store.ts';
import { aliveByMachineId, lowerCased, PostgresVmBook } from './vms/vm-book.ts';
import { storeVms, vmsAlive } from './vms/vm-rows.ts';

export interface LedgerSettings {
  readonly quarantineMs: number;
  /** How long a verdict may take before the change is sent again. */
  readonly resendAfterSeconds: number;
}

/** How what happens is told to others. */
export interface MessageForms {
  change(vm: Vm, wanted: Wanted | null, operations: readonly Operation[]): OutgoingMessage;
  /** Asks to take the VM's newest revision back. */
  withdrawal(vm: Vm): OutgoingMessage;
  /** `before`: its VM as it was before, where there was one and the operation succeeded. */
  ended(operation: Operation, before: Vm | undefined): OutgoingMessage;
  bulkEnded(bulk: Bulk): OutgoingMessage;
}

export interface LedgerDeps {
  readonly database: Database;
  readonly outbox: Outbox;
  readonly messages: MessageForms;
  /** Hears of each operation whose end has committed. */
  readonly onEnded?: (operation: Operation) => void;
  /** Hears of bulks whose items are to be taken back from now on. */
  readonly onBulkWork?: (bulkId: string) => void;
}

/** How long a transaction that takes long may compute between two statements. */
const longIdle = '60 s';

/** The allocator's books in Postgres: everything that a transaction reads and changes of some routers, under their locks. */
export function postgresLedger(deps: LedgerDeps, settings: LedgerSettings): Ledger {
  const { database, outbox, messages } = deps;

  const attempt = async <T>(
    routers: readonly string[],
    work: (books: Books) => Promise<T>,
    takesLong: boolean,
  ): Promise<T> => {
    let ended: Operation[] = [];
    let bulkWork: string[] = [];
    const result = await outbox.transaction(async (sql, send) => {
      ended = [];
      const opened = await openBooks(sql, routers, takesLong, {
        change: (vm, wanted, causes) => send(messages.change(vm, wanted, causes)),
        withdrawal: (vm) => send(messages.withdrawal(vm)),
        ended(operation, before) {
          ended.push(operation);
          send(messages.ended(operation, before));
        },
      });
      const outcome = await work(opened.books);
      await opened.store();
      const changed = await opened.bulks.store(ended);
      for (const bulk of changed.filter(hasEndedBulk)) send(messages.bulkEnded(bulk));
      bulkWork = changed.filter(beginsUndo).map(({ id }) => id);
      await handOverToOthers(sql, [...opened.released]);
      return outcome;
    });
    for (const operation of ended) deps.onEnded?.(operation);
    for (const id of bulkWork) deps.onBulkWork?.(id);
    return result;
  };

  /** Tries `work` within a savepoint, takes it back, and hands `keep` what it came to. */
  const tryOut = <T, K>(
    routers: readonly string[],
    work: (books: Books) => Promise<T>,
    keep: (plans: PlanBook, trial: Trial<T>) => Promise<K>,
    takesLong: boolean,
  ): Promise<K> =>
    database.transaction(async (sql) => {
      const sent = new Map<string, { readonly vm: Vm; readonly wanted: Wanted | null }>();
      const { books, vms, store } = await openBooks(sql, routers, takesLong, {
        change: (vm, wanted) => void sent.set(vm.id, { vm, wanted }),
        withdrawal() {},
        ended() {},
      });
      await sql.execute('SAVEPOINT trial');
      const outcome = await work(books);
      await store();
      const touched = vms.changed;
      const ids = touched.map(({ id }) => id);
      const after = await heldBy(sql, ids);
      await sql.execute('ROLLBACK TO SAVEPOINT trial');
      const changes = [...sent.values()];
      return keep(books.plans, {
        outcome,
        changes: changes.map(({ vm, wanted }) => plannedChange(vm, wanted)),
        vms: touched.map((vm) => plannedVm(vm, desiredOf(vm))),
        versions: await books.plans.versionsOf(ids),
        takings: await takingsOf(sql, after),
        now: books.now,
      });
    });

  const openBooks = async (
    sql: Sql,
    routers: readonly string[],
    takesLong: boolean,
    told: {
      change(vm: Vm, wanted: Wanted | null, operations: readonly Operation[]): void;
      withdrawal(vm: Vm): void;
      ended(operation: Operation, before: Vm | undefined): void;
    },
  ) => {
    if (takesLong) await sql.execute(`SET LOCAL idle_in_transaction_session_timeout = '${longIdle}'`);
    const locked = await lockRouters(sql, routers);
    const [clock] = await sql.query<{ now: string; incarnation: string; template: ForwardTemplate; due: boolean }>(
      `SELECT clock_timestamp() AS now, incarnation, jsonb_build_object('forwards', forwards, 'version', version) AS template,
         EXISTS (${duePlans}) AS due
       FROM installation, forward_template`,
      [routers],
    );
    if (clock === undefined) throw new Error('the tables installation or forward_template are empty');
    if (clock.due) await endDuePlans(sql, routers);
    const catalogue = once(() => SpaceCatalogue.read(sql, routers));
    const vms = new PostgresVmBook(sql);
    const operations = new PostgresOperationBook(sql);
    const bulks = new PostgresBulkBook(sql);
    const released = new Set<string>();
    const books: Books = {
      now: new Date(clock.now),
      incarnation: Number(clock.incarnation),
      template: clock.template,
      routers: locked,
      vms,
      operations,
      values: noting(postgresValues(sql, catalogue, settings), released),
      claims: notingClaims(postgresClaims(sql), () => {
        for (const router of routers) released.add(router);
      }),
      bulks,
      plans: postgresPlans(sql),
      pools: once(() => readPoolDirectory(sql, routers)),
      sendChange: told.change,
      sendWithdrawal: told.withdrawal,
      sendEnded: (operation) => told.ended(operation, vms.changedBy(operation)),
    };
    const store = async () => {
      await storeVms(sql, vms.changed, settings.resendAfterSeconds);
      await operations.store();
    };
    return { books, vms, bulks, released, store };
  };

  return {
    transaction: (routers, work, { takesLong } = { takesLong: false }) =>
      repairingSpans(database, () => attempt(routers, work, takesLong)),

    rehearse: (routers, work, keep, { takesLong } = { takesLong: false }) =>
      repairingSpans(database, () => tryOut(routers, work, keep, takesLong)),

    mayPass: (error) => error instanceof SpansOutOfStep || mayPassByItself(error),

    routersOfPools: (names) => routersOfPools(database, names),

    async routersOf(machineIds) {
      const vms = await vmsAlive(database, machineIds.filter(isUuid), lowerCased(machineIds));
      return new Map([...aliveByMachineId(vms, machineIds)].map(([machineId, vm]) => [machineId, vm.router]));
    },
  };
}

// Class 40: deadlock, serialization; 53: out of memory, disk or connections; 55: locks; 57, 58: the server or its machine is in trouble.
const mayPassByItself = (error: unknown): boolean => /^(40|53|55|57|58)...$/.test(sqlStateOf(error) ?? '');

/** `values`, with a note of the routers where something was given up. */
const noting = (values: ValueStore, released: Set<string>): ValueStore => ({
  reserve: (asked) => values.reserve(asked),
  takeOver: (asked) => values.takeOver(asked),
  takeBack: (asked) => values.takeBack(asked),
  async release(given, how) {
    for (const { router, holdings } of given) if (holdings?.length !== 0) released.add(router);
    await values.release(given, how);
  },
  rename: (held) => values.rename(held),
});

/** `claims`; `onKept` hears when VMs that live on have given some up. */
const notingClaims = (claims: ClaimStore, onKept: () => void): ClaimStore => ({
  ...claims,
  async keepOnly(vmIds, kept) {
    if (vmIds.length > 0) onKept();
    await claims.keepOnly(vmIds, kept);
  },
});

/** What we give up and others hold on the router too is theirs from now on. */
async function handOverToOthers(sql: Sql, routers: readonly string[]): Promise<void> {
  if (routers.length === 0) return;
  const doubled = await sql.query<{ router: string }>(
    'SELECT DISTINCT router FROM foreign_holdings WHERE conflict AND router = ANY($1)',
    [routers],
  );
  for (const { router } of doubled) await deriveForeign(sql, router);
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
