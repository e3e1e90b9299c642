import {
  type Complain,
  checkAll,
  checkDescription,
  checkForwardName,
  checkSources,
  holdsNul,
  isPort,
} from '../check-fields.ts';
import type { ForwardEdit, ForwardsEdit } from '../forwards/edit-forwards.ts';
import { normalizeMac } from '../mac-address.ts';
import { isGroupName, isHostName, isVmName } from '../text-rules.ts';
import { checkExternal, checkForwards } from './validate-provision.ts';
import type { VmUpdate } from './vm-update.ts';

const maxEdits = 100;

function checkEdit(edit: ForwardEdit, at: string, complain: Complain): void {
  const { newName, internalPort, internalPortEnd, externalPort, externalPortEnd } = edit;
  checkForwardName(edit.name, `${at}.name`, complain);
  if (newName !== undefined) checkForwardName(newName, `${at}.new_name`, complain);
  if (internalPort !== undefined && !isPort(internalPort)) complain(`${at}.internal_port`, 'is not a port');
  if (internalPortEnd && !isPort(internalPortEnd)) complain(`${at}.internal_port_end`, 'is not a port');
  checkExternal(externalPort ?? 0, `${at}.external_port`, complain);
  checkExternal(externalPortEnd ?? 0, `${at}.external_port_end`, complain);
  checkSources(edit.sources ?? [], at, complain);
  if (edit.description !== undefined) checkDescription(edit.description, at, complain);
}

/** Checks the form of a change of forwards, and names everything that is wrong at once. */
export function validateEdit(edit: ForwardsEdit): void {
  checkAll((complain) => {
    checkForwards(edit.create, 'create', complain);
    if (edit.update.length > maxEdits) complain('update', `at most ${maxEdits}`);
    if (edit.delete.length > maxEdits) complain('delete', `at most ${maxEdits}`);
    for (const [index, one] of edit.update.entries()) checkEdit(one, `update[${index}]`, complain);
    const named = [
      ...edit.create.map(({ name }) => name.toLowerCase()),
      ...edit.update.map(({ name }, index) => [name.toLowerCase(), `update[${index}].name`] as const),
      ...edit.delete.map((name, index) => [name.toLowerCase(), `delete[${index}]`] as const),
    ];
    const seen = new Set<string>();
    for (const one of named) {
      const [name, field] = typeof one === 'string' ? [one, ''] : one;
      if (field && seen.has(name)) complain(field, 'is named twice');
      seen.add(name);
    }
  });
}

/** Checks the form of a change of a VM. Gives it back with the MAC address in its one form. */
export function validateUpdate(update: VmUpdate): VmUpdate {
  const { name, hostname, metadata, ownerGroup } = update;
  const macAddress = update.macAddress === undefined ? undefined : normalizeMac(update.macAddress);
  checkAll((complain) => {
    if (name !== undefined && !isVmName(name)) {
      complain('vm_name', 'must be a host name of at most 63 characters, and no UUID');
    }
    if (hostname && !isHostName(hostname)) complain('hostname', 'must be a host name');
    if (update.macAddress !== undefined && macAddress === undefined) {
      complain('mac_address', 'must be a MAC address, neither zero nor multicast');
    }
    if (holdsNul(metadata)) complain('metadata', 'must not hold the character U+0000');
    if (ownerGroup !== undefined && !isGroupName(ownerGroup))
      complain('owner_group', 'at most 100 characters, none of control');
  });
  return macAddress === undefined ? update : { ...update, macAddress };
}
