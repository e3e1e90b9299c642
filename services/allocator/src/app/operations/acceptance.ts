import { notForYou, standing } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { type Progressed, runSaga, type Saga } from '@berth/saga';
import {
  claimTaken,
  deadlinePassed,
  idempotencyKeyReused,
  idempotencyKeyRunning,
  operationIdTaken,
  versionMismatch,
  vmNotFound,
} from '../../domain/errors.ts';
import { planNewForwards } from '../../domain/forwards/new-forwards.ts';
import { hasEnded, type Operation } from '../../domain/operations/operation.ts';
import type { PoolDirectory } from '../../domain/pools/pool-directory.ts';
import { assertAvailable, type Router, routerNotTold } from '../../domain/routers/router.ts';
import { placeVm } from '../../domain/vms/place-vm.ts';
import type { Vm } from '../../domain/vms/vm.ts';
import type { Accepted, AdoptCommand, Command, ProvisionCommand, RestoreCommand } from '../commands.ts';
import { changePorts } from '../forwards/change-ports.ts';
import { assertGroups, type KnownGroups } from '../known-groups.ts';
import { progressIn, vmOf } from '../operation-progress.ts';
import { type Books, type FirstUse, LookAgain } from '../ports.ts';
import { adoptVm } from '../vms/adopt-vm.ts';
import { decommissionVm } from '../vms/decommission-vm.ts';
import { provisionVm } from '../vms/provision-vm.ts';
import { restoreVm } from '../vms/restore-vm.ts';
import { reserveForLater, updateVm } from '../vms/update-vm.ts';
import { isAdoption, isMachine, isProvision, isRestore, type MachineCommand } from './command-kinds.ts';
import { askedOf, newOperation } from './operation-of-command.ts';

export type Answer = Accepted | DomainError;

/** The acceptance of one transaction's commands. */
export class Acceptance {
  /** Known from the settings before the driver has told of it. */
  readonly #defaultRouter: string;
  readonly #groups: KnownGroups;
  readonly #books: Books;
  readonly #answers = new Map<Command, Answer>();

  constructor(
    { defaultRouter, groups }: { readonly defaultRouter: string; readonly groups: KnownGroups },
    books: Books,
  ) {
    this.#defaultRouter = defaultRouter;
    this.#groups = groups;
    this.#books = books;
  }

  answerTo(command: Command): Answer {
    const answer = this.#answers.get(command);
    if (answer === undefined) throw new Error(`operation ${command.operationId} has no answer`);
    return answer;
  }

  async accept(commands: readonly Command[]): Promise<void> {
    await this.#answerRepeats(commands);
    const open = commands.filter((command) => !this.#answers.has(command));
    const isInTime = ({ deadline }: Command) => deadline.getTime() > this.#books.now.getTime();
    for (const command of open) if (!isInTime(command)) this.#answers.set(command, deadlinePassed());
    const inTime = open.filter(isInTime);
    await this.#provision(inTime.filter(isProvision));
    await this.#adopt(inTime.filter(isAdoption));
    await this.#restore(inTime.filter(isRestore));
    await this.#changeMachines(inTime.filter(isMachine));
  }

  /** An operation id or key that is known is answered with what it started. */
  async #answerRepeats(commands: readonly Command[]): Promise<void> {
    const known = await this.#books.operations.byIds(commands.map(({ operationId }) => operationId));
    const byKey = await this.#books.operations.byKeys(commands.map(({ key }) => key));
    for (const [index, command] of commands.entries()) {
      const operation = known.get(command.operationId);
      const first = byKey[index];
      if (operation) {
        const own = operation.principalId === command.caller.id && operation.kind === command.kind;
        this.#answers.set(command, own ? { operation, replayed: false } : operationIdTaken());
      } else if (first && command.key) {
        this.#answers.set(command, answerByKey(first, command.key.fingerprint));
      }
    }
  }

  /** Starts what brings a VM into being, or back. */
  async #begin<C extends ProvisionCommand | AdoptCommand | RestoreCommand>(
    saga: Saga<Operation, Books>,
    commands: readonly C[],
    told: (command: C) => Pick<Operation, 'router' | 'vmName'> & Partial<Operation>,
  ): Promise<void> {
    if (commands.length === 0) return;
    const operations = commands.flatMap((command) => {
      try {
        const { vmId, ownerGroup } = command;
        const operation: Operation = { ...newOperation(command, this.#books.now), vmId, ownerGroup, ...told(command) };
        this.#books.operations.put(operation);
        return [operation];
      } catch (error) {
        return this.#refuse(command, error);
      }
    });
    const options = { deps: this.#books, store: progressIn(this.#books) };
    this.#answerWith(commands, await runSaga(saga, operations, options));
  }

  async #provision(commands: readonly ProvisionCommand[]): Promise<void> {
    if (commands.length === 0) return;
    const pools = await this.#books.pools();
    await this.#begin(provisionVm, commands, (command) => {
      const { request } = command;
      this.#checkPlace(command, pools);
      this.#assertOwner(command.ownerGroup);
      const forwards = planNewForwards(request.forwards, this.#books.template.forwards);
      const { router, vmName, addressRange = null } = request;
      return { router, vmName, addressRange, request: { ...request, forwards } };
    });
  }

  #adopt(commands: readonly AdoptCommand[]): Promise<void> {
    return this.#begin(adoptVm, commands, ({ ownerGroup, mayWait, request }) => {
      const { router, vmName } = request;
      assertAvailable(this.#routerNamed(router), mayWait);
      this.#assertOwner(ownerGroup);
      return { router, vmName, adoption: request };
    });
  }

  #restore(commands: readonly RestoreCommand[]): Promise<void> {
    return this.#begin(restoreVm, commands, ({ ownerGroup, mayWait, request }) => {
      const { router, vmName, isNew, metadata } = request;
      assertAvailable(this.#routerNamed(router), mayWait);
      return { router, vmName, restore: request, update: isNew ? null : { metadata, ownerGroup } };
    });
  }

  #assertOwner(group: string): void {
    assertGroups(this.#groups, 'owner_group', [group]);
  }

  /** Throws when the command names a place that is not there, or that cannot be had now. */
  #checkPlace({ request, ownerGroup, mayWait }: ProvisionCommand, pools: PoolDirectory): void {
    const router = this.#routerNamed(request.router);
    placeVm(router, pools, request, ownerGroup);
    assertAvailable(router, mayWait);
  }

  #routerNamed(name: string): Router {
    const router = this.#books.routers.get(name);
    if (router === undefined || router.state === 'removed') {
      if (name === this.#defaultRouter) throw routerNotTold(name);
      throw new DomainError('invalid', 'UNKNOWN_ROUTER', `There is no router "${name}".`, {
        fields: [{ field: 'router', message: `there is no router "${name}"` }],
      });
    }
    return router;
  }

  async #changeMachines(commands: readonly MachineCommand[]): Promise<void> {
    let left = commands;
    const vms = await this.#books.vms.findAlive(commands.map(({ machineId }) => machineId));
    while (left.length > 0) {
      // A name and an id may mean the same VM: of those, one at a time.
      const first = new Map(
        left.map((command) => [vms.get(command.machineId)?.id ?? command, command] as const).reverse(),
      );
      const now = left.filter((command) => [...first.values()].includes(command));
      left = left.filter((command) => !now.includes(command));
      await this.#changeOneEach(now, vms);
    }
  }

  async #changeOneEach(commands: readonly MachineCommand[], vms: ReadonlyMap<string, Vm>): Promise<void> {
    const starting: Operation[] = [];
    const waiting = new Map<MachineCommand, Operation>();
    for (const command of commands) {
      try {
        const vm = this.#writableVm(command, vms);
        // What stays as it is may be of a group that is gone.
        const owner = command.kind === 'update-vm' ? command.update.ownerGroup : undefined;
        if (owner !== undefined && owner !== vm.ownerGroup) this.#assertOwner(owner);
        const operation: Operation = {
          ...newOperation(command, this.#books.now),
          router: vm.router,
          vmId: vm.id,
          vmName: vm.name,
          ownerGroup: vm.ownerGroup,
          ...askedOf(command, vm),
        };
        if (vm.unsettled || command.kind === 'decommission-vm') this.#assertAvailable(vm, command);
        if (vm.unsettled) waiting.set(command, operation);
        else starting.push(operation);
      } catch (error) {
        this.#refuse(command, error);
      }
    }
    for (const operation of starting) this.#books.operations.put(operation);
    await this.#letWait(waiting);
    const options = { deps: this.#books, store: progressIn(this.#books) };
    const of = (...kinds: Operation['kind'][]) => starting.filter(({ kind }) => kinds.includes(kind));
    this.#answerWith(commands, await runSaga(changePorts, of('change-ports', 'change-forwards'), options));
    this.#answerWith(commands, await runSaga(updateVm, of('update-vm'), options));
    this.#answerWith(commands, await runSaga(decommissionVm, of('decommission-vm'), options));
  }

  /** Accepts what waits behind a revision that is on its way. It grows the VM's version, as every change that is accepted does. */
  async #letWait(waiting: ReadonlyMap<MachineCommand, Operation>): Promise<void> {
    const updates = [...waiting.values()].filter(({ kind }) => kind === 'update-vm');
    const lost = await reserveForLater(this.#books, updates);
    for (const [command, operation] of waiting) {
      const claim = lost.get(operation.id);
      if (claim) this.#answers.set(command, claimTaken(claim.kind, claim.shown));
      else {
        this.#books.operations.put(operation);
        if (command.key) this.#books.operations.remember(command.key, operation.id);
        const vm = vmOf(this.#books, operation);
        // What nobody has seen yet need not be made to be removed: then its provision ends cancelled, and this as succeeded. What is adopted
        // stands already: an adoption that is taken back would leave it there, as others' own.
        const unmade = vm.state === 'provisioning' && vm.adopted === undefined;
        if (operation.kind === 'decommission-vm' && unmade) this.#books.sendWithdrawal(vm);
        this.#books.vms.put({ ...vm, updatedAt: this.#books.now });
        this.#answers.set(command, { operation, replayed: false });
      }
    }
    this.#books.vms.beginVersion();
  }

  /** Throws when the caller sees no such VM, may not change it, or has seen another version of it. */
  #writableVm({ machineId, caller, ifVersion }: MachineCommand, vms: ReadonlyMap<string, Vm>): Vm {
    const found = vms.get(machineId);
    const vm = found && this.#books.vms.get(found.id); // an earlier command of this transaction may have changed it
    if (vm === undefined) throw vmNotFound(machineId);
    const { ownerGroup: group } = vm;
    const standsAt = standing(caller, { group, verb: 'vms:write', reading: 'vms:read' });
    if (standsAt === 'hidden') throw vmNotFound(machineId);
    if (standsAt === 'forbidden') throw notForYou('vms:write', group);
    if (!this.#books.routers.has(vm.router)) throw new LookAgain(); // the name went to another VM meanwhile
    if (ifVersion !== 0 && ifVersion !== vm.version) throw versionMismatch(ifVersion, vm.version);
    return vm;
  }

  #assertAvailable(vm: Vm, { mayWait }: MachineCommand): void {
    const router = this.#books.routers.get(vm.router);
    if (router) assertAvailable(router, mayWait);
  }

  #answerWith(commands: readonly Command[], progressed: readonly Progressed<Operation>[]): void {
    const byId = new Map(progressed.map(({ instance, progress }) => [instance.id, progress]));
    for (const command of commands) {
      const progress = byId.get(command.operationId);
      const operation = this.#books.operations.get(command.operationId);
      if (progress?.state === 'failed') this.#answers.set(command, progress.error);
      else if (progress && operation) {
        this.#answers.set(command, { operation, replayed: false });
        if (command.key) this.#books.operations.remember(command.key, operation.id);
      }
    }
  }

  #refuse(command: Command, error: unknown): [] {
    if (!(error instanceof DomainError)) throw error;
    this.#answers.set(command, error);
    return [];
  }
}

/** What a key that was used before is answered with. */
export function answerByKey({ operation, fingerprint }: FirstUse, asked: Uint8Array): Answer {
  const same = Buffer.from(fingerprint).equals(Buffer.from(asked));
  if (operation === undefined || !same) return idempotencyKeyReused();
  return hasEnded(operation) ? { operation, replayed: true } : idempotencyKeyRunning(operation.id);
}
