import type { UpdateVmRequestSchema } from '@berth/contracts';
import type { JsonObject, MessageInitShape } from '@bufbuild/protobuf';
import type { Static } from 'typebox';
import { FieldChecks } from '../../../domain/field-checks.ts';
import { parseMacAddress } from '../../../domain/vms/mac-address.ts';
import { parseMetadata } from '../../../domain/vms/metadata.ts';
import { parseVmName } from '../../../domain/vms/vm-name.ts';
import type { updateVmBody } from './vm-resource-schemas.ts';

type Body = Static<typeof updateVmBody>;

/** The change of a VM that a body asks for, without context and VM. Throws once, naming every field that is wrong. */
export function toUpdateVm(body: Body) {
  const { mac_address, metadata, hostname, owner_group } = body;
  const checks = new FieldChecks();
  const vmName = nameOf(body, checks);
  const macAddress = checks.of('mac_address', () =>
    mac_address === undefined ? undefined : parseMacAddress(mac_address),
  );
  const kept = metadata && checks.of('metadata', () => parseMetadata(metadata));
  checks.finish();
  return {
    ...(vmName !== undefined && { vmName }),
    ...(macAddress !== undefined && { macAddress }),
    ...(hostname !== undefined && { hostname: hostname ?? '' }),
    ...(kept && { metadata: kept as JsonObject }), // it came out of a JSON body
    clearMetadata: metadata === null,
    ...(owner_group !== undefined && { ownerGroup: owner_group ?? '' }),
  } satisfies MessageInitShape<typeof UpdateVmRequestSchema>;
}

/** `vm_name` is the word of the provision for `name`. */
function nameOf({ name, vm_name }: Body, checks: FieldChecks): string | undefined {
  if (name !== undefined && vm_name !== undefined) checks.add('vm_name', 'must not be given together with name');
  const given = name ?? vm_name;
  if (given === undefined) return undefined;
  return checks.of(name === undefined ? 'vm_name' : 'name', () => parseVmName(given));
}
