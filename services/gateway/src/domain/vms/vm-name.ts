import { WrongValue } from '../field-checks.ts';

/** What names of VMs and static mappings look like: letters, digits, dots and hyphens, at most 63, alphanumeric at both ends. */
export const namePattern = '^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$';

const name = new RegExp(namePattern);
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether `text` has the shape of a UUID, of whatever version. */
export const isUuid = (text: string): boolean => uuid.test(text);

/** A VM's name. One that looks like a UUID is refused, because a VM is addressed by its name or its id. */
export function parseVmName(text: string): string {
  if (!name.test(text)) {
    throw new WrongValue('must be 1 to 63 letters, digits, dots and hyphens, with a letter or digit at both ends');
  }
  if (isUuid(text)) throw new WrongValue('must not look like a UUID');
  return text;
}

/** Whether `text` can be a VM's name or id at all. */
export const canBeMachineId = (text: string): boolean => name.test(text);
