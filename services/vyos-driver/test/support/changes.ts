import { randomUUID } from 'node:crypto';
import { RouterChangeSchema } from '@berth/contracts';
import { create, type MessageInitShape } from '@bufbuild/protobuf';

type ChangeInit = Exclude<MessageInitShape<typeof RouterChangeSchema>, { $typeName: string }>;

/** A VM's fragment: a mapping and its forwards, all derived from `n`, so that two numbers share no value. */
export function fragmentFor(n: number, options: { rules?: number; description?: string; mac?: string } = {}) {
  const { rules = 1, description = `vm-${n}` } = options;
  const ipAddress = `10.10.${1 + Math.floor(n / 200)}.${1 + (n % 200)}`;
  const hex = n.toString(16).padStart(4, '0');
  return {
    mapping: {
      network: 'LAN',
      subnet: '10.10.0.0/16',
      name: `vm-${n}`,
      macAddress: options.mac ?? `52:54:00:10:${hex.slice(0, 2)}:${hex.slice(2)}`,
      ipAddress,
    },
    rules: Array.from({ length: rules }, (_, at) => ({
      number: 10_000 + n * 10 + at,
      inboundInterface: 'eth0',
      protocol: 'tcp',
      destinationAddress: '192.0.2.1',
      destinationPort: String(20_000 + n * 10 + at),
      translationAddress: ipAddress,
      translationPort: String([22, 80, 443][at] ?? 8_000 + at),
      description: `${description} ${at}`,
    })),
  };
}

/** A change of VM `n`; `desired: undefined` removes it. */
export function changeFor(n: number, given: ChangeInit & { readonly number?: bigint } = {}) {
  const { number = 1n, ...rest } = given;
  return create(RouterChangeSchema, {
    router: 'default',
    resourceId: `vm-${n}`,
    revision: { incarnation: 1n, number },
    ownerGroup: 'group-1',
    operationIds: [randomUUID()],
    causes: [
      { operationId: 'operation', requestId: `request-${n}`, principalId: 'p', principalName: 'ann', traceparent: '' },
    ],
    desired: fragmentFor(n),
    ...rest,
  });
}
