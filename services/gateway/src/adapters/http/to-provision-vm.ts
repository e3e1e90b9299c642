import { type ForwardSpecSchema, Protocol, type ProvisionVmRequestSchema } from '@berth/contracts';
import type { JsonObject, MessageInitShape } from '@bufbuild/protobuf';
import type { Static } from 'typebox';
import { parseAddressRange } from '../../domain/address-range.ts';
import { FieldChecks } from '../../domain/field-checks.ts';
import { type ForwardInput, parseForwards } from '../../domain/forwards.ts';
import { parseMacAddress } from '../../domain/mac-address.ts';
import { parseMetadata } from '../../domain/metadata.ts';
import { parsePortRange } from '../../domain/port-range.ts';
import { parseVmName } from '../../domain/vm-name.ts';
import type { provisionVmBody } from './documents/vm.ts';

type Body = Static<typeof provisionVmBody>;

const protocols: Record<NonNullable<ForwardInput['protocol']>, Protocol> = {
  tcp: Protocol.TCP,
  udp: Protocol.UDP,
  both: Protocol.TCP_UDP,
  tcp_udp: Protocol.TCP_UDP,
};

/** The command that a body asks for, without its context and the VM's id. Throws once, naming every field that is wrong. */
export function toProvisionVm(body: Body) {
  const { mac_address, ip_range, port_range, metadata, ports } = body;
  const checks = new FieldChecks();
  const vmName = checks.of('vm_name', () => parseVmName(body.vm_name));
  const macAddress = mac_address && checks.of('mac_address', () => parseMacAddress(mac_address));
  const addressRange = ip_range && checks.of('ip_range', () => parseAddressRange(ip_range));
  const portRange = port_range && checks.of('port_range', () => parsePortRange(port_range));
  const kept = metadata && checks.of('metadata', () => parseMetadata(metadata));
  const forwards = ports && parseForwards(ports, checks);
  if (mac_address === '') checks.add('mac_address', 'must not be empty');
  checks.finish();
  return {
    vmName: vmName ?? '',
    macAddress: macAddress ?? '',
    ...(kept && { metadata: kept as JsonObject }), // it came out of a JSON body
    ...(addressRange && { addressRange }),
    ...(portRange && { portRange }),
    pool: body.pool ?? '',
    router: body.router ?? '',
    forwards: forwards?.map(toForwardSpec) ?? [],
    noForwards: forwards?.length === 0,
    hostname: body.hostname ?? '',
    ownerGroup: body.owner_group ?? '',
  } satisfies MessageInitShape<typeof ProvisionVmRequestSchema>;
}

const toForwardSpec = (forward: ForwardInput): MessageInitShape<typeof ForwardSpecSchema> => ({
  name: forward.name,
  protocol: forward.protocol === undefined ? Protocol.UNSPECIFIED : protocols[forward.protocol],
  internalPort: forward.internal_port ?? 0,
  externalPort: forward.external_port ?? 0,
  source: forward.source ?? '',
  description: forward.description ?? '',
  disabled: forward.enabled === false,
});
