import type { Sql } from '@berth/database';
import type { VmBook } from '../../../app/ports.ts';
import { isUuid } from '../../../domain/text-rules.ts';
import { isAlive, type Vm } from '../../../domain/vms/vm.ts';
import { vmsAlive, vmsById } from './vm-rows.ts';

/** The VMs of one transaction. */
export class PostgresVmBook implements VmBook {
  readonly #sql: Sql;
  readonly #vms = new Map<string, Vm>();
  readonly #seen = new Set<string>();
  readonly #changed = new Set<string>();
  /** The versions that others have seen, or will: what is put is the one after it. */
  readonly #seenVersions = new Map<string, number>();

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

  #keep(vm: Vm): void {
    this.#seen.add(vm.id);
    this.#vms.set(vm.id, vm);
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
