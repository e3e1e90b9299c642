import type { AdoptCommand, Command, ProvisionCommand, RestoreCommand } from '../commands.ts';

/** A command on a VM that is there already. */
export type MachineCommand = Exclude<Command, ProvisionCommand | AdoptCommand | RestoreCommand>;

export const isProvision = (command: Command): command is ProvisionCommand => command.kind === 'provision-vm';
export const isAdoption = (command: Command): command is AdoptCommand => command.kind === 'adopt-vm';
export const isRestore = (command: Command): command is RestoreCommand => command.kind === 'restore-vm';
export const isMachine = (command: Command): command is MachineCommand =>
  !isProvision(command) && !isAdoption(command) && !isRestore(command);
