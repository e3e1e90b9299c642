import type { ProvisionVmRequestSchema } from '@berth/contracts';
import type { JsonObject, MessageInitShape } from '@bufbuild/protobuf';
import type { Static } from 'typebox';
import { FieldChecks } from '../../../domain/field-checks.ts';
import { parseNewForwards } from '../../../domain/forwards/change-forwards.ts';
import { parsePortRange } from '../../../domain/port-range.ts';
import { parseAddressRange } from '../../../domain/vms/address-range.ts';
import { parseMacAddress } from '../../../domain/vms/mac-address.ts';
import { parseMetadata } from '../../../domain/vms/metadata.ts';
import { parseVmName } from '../../../domain/vms/vm-name.ts';
import { toForwardSpec } from '../forwards/to-forwards.ts';
import type { provisionVmBody } from './vm-schemas.ts';

type Body = Static<typeof provisionVmBody>;

/** The command that a body asks for, without its context and the VM's id. Throws once, naming every field that is wrong. */
export function toProvisionVm(body: Body) {
  const { mac_address, ip_range, port_range, metadata, ports } = body;
  const checks = new FieldChecks();
  const vmName = checks.of('vm_name', () => parseVmName(body.vm_name));
  const macAddress = mac_address && checks.of('mac_address', () => parseMacAddress(mac_address));
  const addressRange = ip_range && checks.of('ip_range', () => parseAddressRange(ip_range));
  const portRange = port_range && checks.of('port_range', () => parsePortRange(port_range));
  const kept = metadata && checks.of('metadata', () => parseMetadata(metadata));
  const forwards = ports && parseNewForwards(ports, (index) => `ports[${index}]`, checks);
  if (mac_address === '') checks.add('mac_address', 'must not be empty');
  checks.finish();
  return {
    vmName: vmName ?? '',
    macAddress: macAddress ?? '',
    ...(kept && { metadata: kept as JsonObject }), // it came out of a JSON body
    ...(addressRange && { addressRange }),
    ...(portRange && { portRange }),
    pool: body.pool ?? '',
    portPool: body.port_pool ?? '',
    rulePool: body.rule_pool ?? '',
    router: body.router ?? '',
    forwards: forwards?.map(toForwardSpec) ?? [],
    noForwards: forwards?.length === 0,
    hostname: body.hostname ?? '',
    ownerGroup: body.owner_group ?? '',
  } satisfies MessageInitShape<typeof ProvisionVmRequestSchema>;
}
