import type { Sql } from '@berth/database';
import type { VmBook } from '../../../app/ports.ts';
import type { Operation } from '../../../domain/operations/operation.ts';
import { isUuid } from '../../../domain/text-rules.ts';
import { asConfirmed, isAlive, isConfirmed, type Vm } from '../../../domain/vms/vm.ts';
import { vmsAlive, vmsById } from './vm-rows.ts';

/** The VMs of one transaction. */
export class PostgresVmBook implements VmBook {
  readonly #sql: Sql;
  readonly #vms = new Map<string, Vm>();
  readonly #seen = new Set<string>();
  readonly #changed = new Set<string>();
  /** The versions that others have seen, or will: what is put is the one after it. */
  readonly #seenVersions = new Map<string, number>();
  /** As the last operation that succeeded left them, or as they were read. */
  readonly #confirmed = new Map<string, Vm>();

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  async load(ids: readonly string[]): Promise<void> {
    const unseen = [...new Set(ids)].filter((id) => !this.#seen.has(id));
    for (const id of unseen) this.#seen.add(id);
    for (const vm of await vmsById(this.#sql, unseen)) this.#keep(vm);
  }

  get(id: string): Vm | undefined {
    return this.#vms.get(id);
  }

  put(vm: Vm): void {
    this.#seen.add(vm.id);
    this.#vms.set(vm.id, { ...vm, version: (this.#seenVersions.get(vm.id) ?? 0) + 1 });
    this.#changed.add(vm.id);
  }

  forget(id: string): void {
    this.#vms.delete(id);
    this.#changed.delete(id);
  }

  beginVersion(): void {
    for (const { id, version } of this.changed) this.#seenVersions.set(id, version);
  }

  async findAlive(machineIds: readonly string[]): Promise<ReadonlyMap<string, Vm>> {
    if (machineIds.length === 0) return new Map();
    for (const vm of await vmsAlive(this.#sql, machineIds.filter(isUuid), lowerCased(machineIds))) {
      if (!this.#vms.has(vm.id)) this.#keep(vm); // one that this transaction changed is newer here
    }
    return aliveByMachineId([...this.#vms.values()], machineIds);
  }

  /** How the operation's VM was before it; undefined where there was none, and where it did not succeed. The next one's VM is the result of this one. */
  changedBy({ vmId, result }: Operation): Vm | undefined {
    if (result === null) return undefined;
    const before = this.#confirmed.get(vmId);
    this.#confirmed.set(vmId, result);
    return before;
  }

  #keep(vm: Vm): void {
    this.#seen.add(vm.id);
    this.#vms.set(vm.id, vm);
    if (isConfirmed(vm)) this.#confirmed.set(vm.id, asConfirmed(vm));
    this.#seenVersions.set(vm.id, vm.version);
  }

  get changed(): readonly Vm[] {
    return [...this.#changed].flatMap((id) => this.#vms.get(id) ?? []);
  }
}

export const lowerCased = (names: readonly string[]): string[] => names.map((name) => name.toLowerCase());

/** The living VM that each name or id means. */
export function aliveByMachineId(vms: readonly Vm[], machineIds: readonly string[]): Map<string, Vm> {
  const living = vms.filter(isAlive);
  const byKey = new Map(living.flatMap((vm) => [[vm.name.toLowerCase(), vm] as const, [vm.id, vm] as const]));
  return new Map(
    machineIds.flatMap((machineId) => {
      const vm = byKey.get(machineId.toLowerCase());
      return vm ? [[machineId, vm] as const] : [];
    }),
  );
}
