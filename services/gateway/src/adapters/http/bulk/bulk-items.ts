import { createHash } from 'node:crypto';
import { type BulkItem, BulkItemSchema, toErrorMessage } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { create } from '@bufbuild/protobuf';
import { Compile } from 'typebox/compile';
import { invalidRequest } from '../../../domain/field-checks.ts';
import { canonicalJson } from '../../../domain/requests/idempotency.ts';
import { canBeMachineId } from '../../../domain/vms/vm-name.ts';
import { toFieldErrors } from '../requests/field-errors.ts';
import { toProvisionVm } from '../vms/to-provision-vm.ts';
import { provisionVmBody } from '../vms/vm-schemas.ts';
import { decommissionItem } from './bulk-schemas.ts';

/** An item of a body: its JSON, or why that cannot be read. */
export type ReadValue = { readonly value: unknown } | { readonly wrong: DomainError };

/** An item as it is sent on, and the same for the fingerprint of the whole. */
export interface CheckedItem {
  readonly message: BulkItem;
  /** Why it is wrong, if it is. */
  readonly wrong: DomainError | undefined;
  readonly canonical: string;
}

/** Makes an item's message out of its JSON, with the checks of the single request. Throws a DomainError when it is wrong. */
export type ItemKind = (value: unknown) => BulkItem;

const isProvision = Compile(provisionVmBody);
const isDecommission = Compile(decommissionItem);

export const provisionItem: ItemKind = (value) => {
  if (!isProvision.Check(value)) {
    throw invalidRequest(toFieldErrors(isProvision.Errors(value), provisionVmBody, 'item'));
  }
  return create(BulkItemSchema, { item: { case: 'provision', value: toProvisionVm(value) } });
};

export const removalItem: ItemKind = (value) => {
  if (!isDecommission.Check(value)) {
    throw invalidRequest([{ field: 'item', message: 'must be a VM’s name or id, or {machine_id}' }]);
  }
  const machineId = typeof value === 'string' ? value : value.machine_id;
  if (!canBeMachineId(machineId)) {
    throw new DomainError('not_found', 'VM_NOT_FOUND', 'There is no VM of this name or id.');
  }
  return create(BulkItemSchema, { item: { case: 'decommission', value: { machineId } } });
};

/** An item of whatever form: what is wrong about it concerns it alone. */
export function checkItem(read: ReadValue, kind: ItemKind): CheckedItem {
  if ('wrong' in read) return refused(read.wrong);
  try {
    const message = kind(read.value);
    return { message, wrong: undefined, canonical: canonicalJson(read.value) };
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return refused(error);
  }
}

/** Of two bodies, items that are wrong in the same way count as the same: they are answered the same. */
function refused(wrong: DomainError): CheckedItem {
  const error = toErrorMessage(wrong);
  const message = create(BulkItemSchema, { item: { case: 'refused', value: error } });
  return { message, wrong, canonical: JSON.stringify(['refused', wrong.code, wrong.details.fields ?? []]) };
}

/** The fingerprint of a bulk, made while its items are read: the same for JSON and NDJSON. */
export class BulkFingerprint {
  readonly #hash = createHash('sha256');

  constructor(mode: string) {
    this.#hash.update(`${mode}\n`);
  }

  add({ canonical }: CheckedItem): void {
    this.#hash.update(`${canonical}\n`);
  }

  finish(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#hash.digest());
  }
}
