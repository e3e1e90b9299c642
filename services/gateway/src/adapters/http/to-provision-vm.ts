import type { ProvisionVmRequestSchema } from '@berth/contracts';
import type { JsonObject, MessageInitShape } from '@bufbuild/protobuf';
import type { Static } from 'typebox';
import { parseAddressRange } from '../../domain/address-range.ts';
import { parseNewForwards } from '../../domain/change-forwards.ts';
import { FieldChecks } from '../../domain/field-checks.ts';
import { parseMacAddress } from '../../domain/mac-address.ts';
import { parseMetadata } from '../../domain/metadata.ts';
import { parsePortRange } from '../../domain/port-range.ts';
import { parseVmName } from '../../domain/vm-name.ts';
import type { provisionVmBody } from './documents/vm.ts';
import { toForwardSpec } from './to-forwards.ts';

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
