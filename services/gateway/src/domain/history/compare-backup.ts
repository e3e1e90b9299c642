/** A VM of a backup, as far as comparing needs it. */
interface Kept {
  readonly id: string;
}

/** What must change so that the VMs of now are those of then. */
export interface BackupChanges<Vm> {
  /** Those of then that are not there, or different now. */
  readonly changed: readonly Vm[];
  /** Those of now that were not there. */
  readonly removedIds: readonly string[];
}

/** Compares what VMs are: `textOf` is all of one but for its id, since a VM that was restored has another. */
export function compareBackups<Vm extends Kept>(
  then: readonly Vm[],
  now: readonly Vm[],
  textOf: (vm: Vm) => string,
): BackupChanges<Vm> {
  const current = new Set(now.map(textOf));
  const kept = new Set(then.flatMap((vm) => [vm.id, textOf(vm)]));
  return {
    changed: then.filter((vm) => !current.has(textOf(vm))),
    removedIds: now.filter((vm) => !kept.has(vm.id) && !kept.has(textOf(vm))).map(({ id }) => id),
  };
}
